//! Container images with skopeo and raw requests.
