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

/// What gives the way out, unless the test is about that.
fn iptables() -> Means {
    private_means().unwrap()
}

/// The other program for rules.
fn nft() -> Means {
    Means::Nft("/usr/sbin/nft".into())
}

/// A machine with a cable to a server, which is its way to everywhere.
struct World {
    machine: Namespace,
    outside: Namespace,
    means: Means,
}

impl World {
    fn new(means: Means) -> Self {
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
                mtu: Some(1400),
                namespace: other_end.as_fd(),
            };
            let netlink = Netlink::open().unwrap();
            // The kernel notices a cable between links of the same number a second late.
            netlink.add_bridge("spare", [2, 0, 0, 0, 0, 3]).unwrap();
            netlink.add_pair(pair).unwrap();
        };
        machine.run(cable).join().unwrap();
        machine.run(link("uplink", MACHINE)).join().unwrap();
        outside.run(link("card", SERVER)).join().unwrap();
        let way_out = || Netlink::open().unwrap().add_default_route(SERVER).unwrap();
        machine.run(way_out).join().unwrap();
        Self {
            machine,
            outside,
            means,
        }
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
        let means = self.means.clone();
        self.machine
            .run(move || run(enter_private(&means).unwrap()))
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

fn check_reaches_the_world(means: Means) {
    let world = World::new(means);
    let port = world.serve();
    let answer = world.in_container(move |_| asked(port).unwrap()).join();
    assert_eq!(answer.unwrap(), MACHINE.to_string());
}

#[test]
fn a_private_network_reaches_the_world_in_the_name_of_its_machine() {
    check_reaches_the_world(iptables());
}

#[test]
fn a_private_network_reaches_the_world_where_there_is_nft_alone() {
    check_reaches_the_world(nft());
}

#[test]
fn a_private_network_sends_no_larger_packets_than_its_machine_does() {
    let world = World::new(iptables());
    let mtu = world.in_container(|_| {
        let netlink = Netlink::open().unwrap();
        netlink.mtu_of(netlink.index_of(FAR_LINK).unwrap()).unwrap()
    });
    assert_eq!(mtu.join().unwrap(), Some(1400));
}

#[test]
fn many_private_networks_at_once_have_an_address_each_and_one_bridge() {
    let world = World::new(iptables());
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

fn check_is_apart(means: Means) {
    let world = World::new(means);
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
fn containers_do_not_reach_each_other_and_nobody_outside_reaches_them() {
    check_is_apart(iptables());
}

#[test]
fn containers_are_as_far_apart_where_there_is_nft_alone() {
    check_is_apart(nft());
}

#[test]
fn an_address_is_free_again_when_its_network_is_gone() {
    let world = World::new(iptables());
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
    let world = World::new(iptables());
    let stop = || std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
    world.machine.run(stop).join().unwrap();
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
