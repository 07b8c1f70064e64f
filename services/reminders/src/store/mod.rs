//! All SQL of reminders: free functions on one connection.

pub mod check_ins;
pub mod couples;
pub mod erasing;
pub mod inbox_items;
pub mod schedules;
pub mod sweep;
