//! What files contain beside components: secrets and licences. Asked for every file of a tree, in one pass over its bytes.

pub(crate) mod secrets;
