//! Five real processes, and what breaks around them.
