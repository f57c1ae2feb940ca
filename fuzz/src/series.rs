//! The guard's recorded series.

use oomshim::guard::replay::replay;
use oomshim::guard::series::Series;
use oomshim::guard::settings::Settings;

/// Whatever was recorded can be replayed and told.
pub fn series(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Series::parse(text) {
        Ok(series) => {
            assert!(!series.samples.is_empty());
            let (acts, _) = replay(&series, Settings::of_host(8 << 30));
            for act in acts {
                let told = act.describe(&|job| series.name(job));
                assert!(!told.contains(|it: char| it.is_control()), "{told:?}");
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
}
