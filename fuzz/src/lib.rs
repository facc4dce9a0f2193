//! The laws that the fuzz targets assert, as a library, so that ordinary tests can assert them too.

pub mod laws;
