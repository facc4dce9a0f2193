#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bonafide_fuzz::laws::mta_sts_policy::holds(data));
