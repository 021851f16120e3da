//! The macro that writes a backend's tests, and the functions that run single cases.

/// Writes the whole suite as tests of a backend: a module per group, a `#[test]` per case.
///
/// With the harness alone every capability counts as supported; else all three are named:
///
/// ```text
/// tooltally_conformance::conformance_suite!(OnDisk);
/// tooltally_conformance::conformance_suite!(OnServer,
///     persistent: supported, many_processes: supported, file_backed: refused);
/// ```
///
/// The harness is named by one word; in a module of its own, `use super::OnDisk;` brings it in. Once per
/// harness. See the [crate's documentation](crate).
#[macro_export]
macro_rules! conformance_suite {
    ($harness:ident) => {
        $crate::conformance_suite!($harness, persistent: supported, many_processes: supported, file_backed: supported);
    };
    ($harness:ident, persistent: $persistent:ident, many_processes: $processes:ident, file_backed: $files:ident $(,)?) => {
        $crate::__process_entry!($harness $processes);
        $crate::__cases!(__tests { $harness $persistent $processes $files });
    };
}

/// Writes the test that the suite's child processes run.
#[doc(hidden)]
#[macro_export]
macro_rules! __process_entry {
    ($harness:ident supported) => {
        impl $crate::ProcessEntry for $harness {
            const ENTRY: &'static str = concat!(module_path!(), "::process_entry");
        }

        /// Where the processes that the cases start come in. In an ordinary run there is nothing to do: it passes.
        #[test]
        fn process_entry() {
            $crate::process_entry::<$harness>();
        }
    };
    ($harness:ident refused) => {};
}

/// The first reader of the list: tests in the backend's own binary.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ({ $harness:ident $persistent:ident $processes:ident $files:ident }
     $($(#[$about:meta])* $group:ident { $($when:ident { $($(#[$doc:meta])* $case:ident,)* })* })*) => {
        $(mod $group {
            $($($crate::__test!($when $persistent $processes $files : $harness $group $case);)*)*
        })*
    };
}

/// One test, if the capability that its case is listed under is as it must be.
#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    (persistent refused $($rest:tt)*) => {};
    (persistent_refused supported $($rest:tt)*) => {};
    (many_processes $persistent:ident refused $($rest:tt)*) => {};
    (many_processes_refused $persistent:ident supported $($rest:tt)*) => {};
    (file_backed $persistent:ident $processes:ident refused $($rest:tt)*) => {};
    (file_backed_refused $persistent:ident $processes:ident supported $($rest:tt)*) => {};
    ($when:ident $persistent:ident $processes:ident $files:ident : $harness:ident $group:ident $case:ident) => {
        #[test]
        fn $case() {
            $crate::run::$group::$case::<super::$harness>();
        }
    };
}

/// The second reader of the list: a public function per case.
macro_rules! runners {
    ({} $($(#[$about:meta])* $group:ident { $($when:ident { $($(#[$doc:meta])* $case:ident,)* })* })*) => {
        $($(#[$about])* pub mod $group {
            $($(runner!($when [$(#[$doc])*] $group $case);)*)*
        })*

        /// Every case, `group::case`, in the order of the list.
        pub const NAMES: &[&str] = &[$($($(concat!(stringify!($group), "::", stringify!($case)),)*)*)*];
    };
}

pub(crate) use runners;

/// One function; what its harness must offer follows from the condition that its case is listed under.
macro_rules! runner {
    (many_processes $($rest:tt)*) => { runner!(@ ProcessEntry $($rest)*); };
    (file_backed $($rest:tt)*) => { runner!(@ FileBacked $($rest)*); };
    ($when:ident [$($doc:tt)*] $($rest:tt)*) => { runner!(@ Harness [$($doc)*] $($rest)*); };
    (@ $bound:ident [$($doc:tt)*] $group:ident $case:ident) => {
        $($doc)*
        pub fn $case<H: $crate::$bound>() {
            $crate::cases::$group::$case::<H>();
        }
    };
}

/// A function per case: it returns if the store does what the case asks for, and panics if not.
///
/// [`conformance_suite!`](crate::conformance_suite) calls them; they are public for those who test a single
/// promise, as the suite's own tests do.
pub mod run {
    crate::__cases!(runners {});
}
