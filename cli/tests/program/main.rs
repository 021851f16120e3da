//! The program as people, agents and scripts run it.

// Said of what is a test anyway, so that helpers too may unwrap.
#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod install;
#[cfg(test)]
#[cfg(unix)]
mod pipes;
#[cfg(test)]
mod private;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod salvage;
#[cfg(test)]
mod support;
