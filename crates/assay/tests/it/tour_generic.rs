//! Plain files with curl.
