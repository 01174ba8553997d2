//! Where things lie: paths and addresses as people write them.

use super::error::ConfigError;
use super::setting::Origin;
use std::path::{Path, PathBuf};

pub fn absolute(path: &Path, origin: &Origin, project: &Path) -> Result<PathBuf, ConfigError> {
    match origin {
        Origin::Default | Origin::File { .. } => Ok(normal(&project.join(path))),
        Origin::Variable(_) | Origin::Flag(_) => {
            let path = std::path::absolute(path);
            path.map(|path| normal(&path))
                .map_err(|cause| ConfigError::NoCurrentDirectory { cause })
        }
    }
}

/// Without `.` and doubled slashes; `..` stays, for it means something else behind a link.
fn normal(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The output root: a directory.
pub fn output_path(uri: &str) -> Result<PathBuf, String> {
    match uri.strip_prefix("file://").unwrap_or(uri) {
        "" => Err("the output root has no name".to_owned()),
        path if path.contains("://") => Err(format!(
            "'{uri}': this version writes below a local directory: write a path or file:///path"
        )),
        path => Ok(PathBuf::from(path)),
    }
}

/// `keys::need` says what it takes to use one beyond this machine.
pub fn check_endpoint(endpoint: &str) -> Result<(), String> {
    if endpoint.strip_prefix("ipc://").is_some_and(|path| !path.is_empty()) {
        return Ok(());
    }
    let address = endpoint.strip_prefix("tcp://").and_then(|address| address.rsplit_once(':'));
    let Some((_, port)) = address.filter(|(host, _)| !host.is_empty()) else {
        return Err(format!("'{endpoint}' is not an address: write e.g. tcp://127.0.0.1:5555"));
    };
    if port != "*" && port.parse::<u16>().is_err() {
        return Err(format!("'{endpoint}': '{port}' is not a port"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_a_port_or_a_socket_file() {
        for endpoint in ["tcp://*:5555", "tcp://[::1]:1", "tcp://localhost:*", "ipc:///x"] {
            assert_eq!(check_endpoint(endpoint), Ok(()), "{endpoint}");
        }
        for endpoint in ["", "5555", "tcp://", "tcp://127.0.0.1", "ipc://", "http://localhost:1"] {
            assert!(
                check_endpoint(endpoint).unwrap_err().contains("is not an address"),
                "{endpoint}"
            );
        }
        assert!(check_endpoint("tcp://127.0.0.1:x").unwrap_err().contains("is not a port"));
    }

    #[test]
    fn stores_of_later_versions_are_refused_by_name() {
        assert_eq!(output_path("file:///a/b").unwrap(), Path::new("/a/b"));
        assert!(output_path("s3://bucket").unwrap_err().contains("local directory"));
    }
}
