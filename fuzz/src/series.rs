//! The guard's recorded series.

use oomshim::guard::replay::replay;
use oomshim::guard::sample::JobId;
use oomshim::guard::series::Series;
use oomshim::guard::settings::Settings;

/// Whatever was recorded can be replayed and told.
pub fn series(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Series::parse(text) {
        Ok(series) => {
            assert!(!series.samples.is_empty());
            let (acts, _) = replay(&series, Settings::of_host(8 << 30));
            // Names are shown escaped, which is for whoever shows them.
            for act in acts {
                assert!(!act.describe(&|job| format!("job {}", job.0)).contains(|it: char| it.is_control()));
                let _ = series.name(act.verdict.victim.map_or(JobId(0), |victim| victim.id));
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
}
