"""A fuzzer of the readers: damaged, spliced and hostile files made of the examples and of real samples."""
