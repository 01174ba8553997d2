//! Real files with known readings, where CASPARIAN_TEST_CORPUS says they are; see the README there.
