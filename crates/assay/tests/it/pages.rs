//! The pages, as a browser and a screen without JavaScript show them.
