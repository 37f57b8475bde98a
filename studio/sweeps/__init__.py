"""Many pictures that differ in one or two settings, as a grid."""
