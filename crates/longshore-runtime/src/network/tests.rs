//! Everything happens in network namespaces that the tests make: one is the machine, one the world
//! outside, and containers are threads that enter private networks of that machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::*;

/// A network namespace, which goes when the last that holds it goes.
struct Namespace(OwnedFd);

impl Namespace {
    fn new() -> Self {
        let made = thread::spawn(|| {
            enter_new().unwrap();
            OwnedFd::from(File::open(THIS_NAMESPACE).unwrap())
        });
        Self(made.join().unwrap())
    }

    /// Runs it in a thread that is in there.
    fn run<T: Send + 'static>(&self, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let namespace = self.0.try_clone().unwrap();
        thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            run()
        })
    }
}

const MACHINE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A machine with a cable to a server.
struct World {
    machine: Namespace,
    outside: Namespace,
}

impl World {
    fn new() -> Self {
        let (machine, outside) = (Namespace::new(), Namespace::new());
        let other_end = outside.0.try_clone().unwrap();
        let link = |name: &'static str, address| {
            move || {
                let netlink = Netlink::open().unwrap();
                let index = netlink.index_of(name).unwrap();
                netlink.add_address(index, address, 24).unwrap();
                netlink.set_up(index).unwrap();
            }
        };
        let cable = move || {
            let pair = netlink::Pair {
                near: "uplink",
                far: "card",
                far_hardware: [2, 0, 0, 0, 0, 2],
                namespace: other_end.as_fd(),
            };
            Netlink::open().unwrap().add_pair(pair).unwrap();
        };
        machine.run(cable).join().unwrap();
        machine.run(link("uplink", MACHINE)).join().unwrap();
        outside.run(link("card", SERVER)).join().unwrap();
        Self { machine, outside }
    }

    /// A server outside, which tells each caller who that is.
    fn serve(&self) -> u16 {
        let bind = || TcpListener::bind((SERVER, 0)).unwrap();
        let listener = self.outside.run(bind).join().unwrap();
        let port = listener.local_addr().unwrap().port();
        // It ends with the test's process.
        thread::spawn(move || {
            while let Ok((mut stream, caller)) = listener.accept() {
                let _ = stream.write_all(caller.ip().to_string().as_bytes());
            }
        });
        port
    }

    /// Runs it in a container on this machine.
    fn in_container<T: Send + 'static>(
        &self,
        run: impl FnOnce(Ipv4Addr) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.machine.run(|| {
            let address = enter(Network::Private).unwrap();
            run(address.expect("a private network has an address"))
        })
    }
}

fn asked(port: u16) -> io::Result<String> {
    let mut answer = String::new();
    TcpStream::connect((SERVER, port))?.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_container_without_a_network_has_a_loopback_that_works() {
    let spoken = thread::spawn(|| {
        assert_eq!(enter(Network::None).unwrap(), None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (TcpStream::connect(address).is_ok(), asked(80).is_err())
    });
    assert_eq!(spoken.join().unwrap(), (true, true));
}

#[test]
fn a_container_with_the_network_of_the_machine_stays_in_it() {
    let namespace = || std::fs::read_link(THIS_NAMESPACE).unwrap();
    let before = namespace();
    assert_eq!(enter(Network::Host).unwrap(), None);
    assert_eq!(namespace(), before);
}

#[test]
fn a_private_network_reaches_the_world_in_the_name_of_its_machine() {
    let world = World::new();
    let port = world.serve();
    let answer = world.in_container(move |_| asked(port).unwrap()).join();
    assert_eq!(answer.unwrap(), MACHINE.to_string());
}

#[test]
fn many_private_networks_at_once_have_an_address_each_and_one_bridge() {
    let world = World::new();
    let port = world.serve();
    let (seen, all) = std::sync::mpsc::channel();
    let containers: Vec<_> = (0..8)
        .map(|_| {
            let seen = seen.clone();
            world.in_container(move |address| {
                seen.send(address).unwrap();
                asked(port).unwrap()
            })
        })
        .collect();
    drop(seen);
    for container in containers {
        assert_eq!(container.join().unwrap(), MACHINE.to_string());
    }
    // Addresses may come around again only when their container is gone.
    assert_eq!(all.iter().count(), 8);
}

#[test]
fn containers_do_not_reach_each_other_and_nobody_outside_reaches_them() {
    let world = World::new();
    let (tell, told) = std::sync::mpsc::channel();
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let server = world.in_container(move |address| {
        let listener = TcpListener::bind((address, 0)).unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        let _ = finished.recv();
    });
    let target = told.recv().unwrap();
    let patience = std::time::Duration::from_millis(300);
    let try_it = move || TcpStream::connect_timeout(&target, patience).is_ok();
    assert!(
        world.machine.run(try_it).join().unwrap(),
        "its machine does"
    );
    assert!(!world.in_container(move |_| try_it()).join().unwrap());
    let outsider = world.outside.run(move || {
        Netlink::open().unwrap().add_default_route(MACHINE).unwrap();
        try_it()
    });
    assert!(!outsider.join().unwrap());
    drop(finish);
    server.join().unwrap();
}

#[test]
fn an_address_is_free_again_when_its_network_is_gone() {
    let world = World::new();
    let first = world.in_container(|address| address).join().unwrap();
    // The kernel takes a network down when it gets around to it.
    let begun = std::time::Instant::now();
    loop {
        let again = world.in_container(|address| address).join().unwrap();
        if again == first {
            return;
        }
        assert!(begun.elapsed().as_secs() < 20, "{again} is not {first}");
    }
}

#[test]
fn a_machine_that_let_nothing_pass_lets_nothing_else_pass() {
    let world = World::new();
    world.in_container(|_| ()).join().unwrap();
    let policy = world.machine.run(|| {
        let output = std::process::Command::new("iptables")
            .args(["-S", "FORWARD"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    let policy = policy.join().unwrap();
    assert!(policy.contains("-P FORWARD DROP"), "{policy}");
    assert_eq!(policy.matches("LONGSHORE").count(), 1, "{policy}");
}
