//! Which small files become one. Each time a row is written anew its file has become so much larger that this happens a few times
//! at most, however many files come.

/// A larger file is none of the small ones; nor does one become larger by this.
const BYTES_MAX: u64 = 128 << 20;
pub(in crate::queue) const SMALL_BYTES_MAX: u64 = BYTES_MAX / 2;
/// The artifacts of a file move in one transaction, which everybody waits for.
const ARTIFACTS_MAX: u64 = 10_000;
pub(in crate::queue) const SMALL_ARTIFACTS_MAX: u64 = ARTIFACTS_MAX / 2;
/// That so many wait makes it worth while.
pub(super) const FILES_MIN: usize = 8;
/// Open at once.
pub(super) const FILES_MAX: usize = 512;
/// The largest of them is at most so many times as large as the smallest: else a large file is written anew for little.
const SPREAD_MAX: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small {
    pub size_bytes: u64,
    pub artifacts: u64,
}

/// Of files in the order of their sizes: the places of those that become one. None: too few are alike.
pub(super) fn choose(files: &[Small]) -> Option<std::ops::Range<usize>> {
    let runs = (0..files.len()).map(|first| first..first + run_len(&files[first..]));
    runs.into_iter().find(|run| run.len() >= FILES_MIN)
}

fn run_len(files: &[Small]) -> usize {
    let mut all = Small { size_bytes: 0, artifacts: 0 };
    for (len, file) in files.iter().take(FILES_MAX).enumerate() {
        let with = Small {
            size_bytes: all.size_bytes + file.size_bytes,
            artifacts: all.artifacts + file.artifacts,
        };
        let is_alike = file.size_bytes <= files[0].size_bytes.saturating_mul(SPREAD_MAX);
        if !is_alike || with.size_bytes > BYTES_MAX || with.artifacts > ARTIFACTS_MAX {
            return len;
        }
        all = with;
    }
    files.len().min(FILES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(size_bytes: u64) -> Small {
        Small { size_bytes, artifacts: 1 }
    }

    fn sorted(sizes: &[u64]) -> Vec<Small> {
        let mut sizes = sizes.to_vec();
        sizes.sort_unstable();
        sizes.into_iter().map(small).collect()
    }

    #[test]
    fn files_of_like_size_become_one_once_there_are_enough() {
        assert_eq!(choose(&sorted(&[1_000; 7])), None);
        assert_eq!(choose(&sorted(&[1_000; 8])), Some(0..8));
        assert_eq!(choose(&sorted(&[1_000; 600])), Some(0..FILES_MAX));
    }

    #[test]
    fn a_large_file_is_not_written_anew_for_a_few_small_ones() {
        assert_eq!(
            choose(&sorted(&[1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 90_000])),
            None
        );
        let mut sizes = vec![1_000; 3];
        sizes.extend([90_000; 9]);
        assert_eq!(choose(&sorted(&sizes)), Some(3..12));
    }

    #[test]
    fn what_is_made_is_bounded_in_bytes_and_artifacts() {
        assert_eq!(choose(&sorted(&[15 << 20; 20])), Some(0..8));
        let many = Small { size_bytes: 1_000, artifacts: 1_200 };
        assert_eq!(choose(&[many; 20]), Some(0..8));
        assert_eq!(choose(&[Small { artifacts: 1_300, ..many }; 20]), None);
    }

    /// Files of one size come one by one, and are made one as soon as they may be.
    #[test]
    fn few_files_stay_and_a_row_is_written_a_few_times() {
        let (mut files, mut came, mut written) = (Vec::new(), 0, 0);
        for _ in 0..20_000 {
            files.push(small(10_000));
            came += 10_000;
            files.sort_unstable_by_key(|file: &Small| file.size_bytes);
            while let Some(run) = choose(&files) {
                let of_run = files.drain(run);
                let all = of_run.fold((0, 0), |(bytes, artifacts), file| {
                    (bytes + file.size_bytes, artifacts + file.artifacts)
                });
                written += all.0;
                files.push(Small { size_bytes: all.0, artifacts: all.1 });
                files.sort_unstable_by_key(|file| file.size_bytes);
            }
        }
        assert!(files.len() < 40, "{} files stay", files.len());
        assert!(written < 6 * came, "{written} bytes for {came}");
    }
}
