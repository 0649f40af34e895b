//! How many jobs ran at one time, by what they noted themselves.

/// A script that notes `+NAME` in the file `runs` of the volume, does `work`, and notes `-NAME`.
pub fn noting(name: &str, work: &str) -> String {
    format!("echo +{name} >> /v/runs; {work}; echo -{name} >> /v/runs")
}

/// The most of those that ran at one time whose name begins with `prefix`.
pub fn most_at_once(runs: &str, prefix: &str) -> usize {
    let (mut now, mut most) = (0, 0);
    for line in runs.lines().filter(|line| line[1..].starts_with(prefix)) {
        if line.starts_with('+') {
            now += 1;
            most = most.max(now);
        } else {
            now -= 1;
        }
    }
    most
}

/// The names of those that began to run, in order.
pub fn started(runs: &str) -> Vec<&str> {
    runs.lines()
        .filter_map(|line| line.strip_prefix('+'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_that_are_meant_are_counted() {
        let runs = "+a1\n+b1\n+a2\n-a1\n+a3\n-b1\n-a2\n-a3";
        assert_eq!(most_at_once(runs, "a"), 2);
        assert_eq!(most_at_once(runs, ""), 3);
        assert_eq!(started(runs), ["a1", "b1", "a2", "a3"]);
    }
}
