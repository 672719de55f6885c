//! Container images with true insides.
