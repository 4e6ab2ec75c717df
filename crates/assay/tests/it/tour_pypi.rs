//! Python packages with twine, pip and uv.
