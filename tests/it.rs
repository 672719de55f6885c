//! One integration binary: the `sealift` program as an operator meets it, on real machines where it touches any.

mod it {
    mod cli;
    mod forgotten;
    mod kit;
    mod lifecycle;
    mod place;
    mod stick;
}
