//! A proxy on loopback that passes everything on, until it is told to cut connections or to lose an
//! answer. It does not understand what it passes on.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct CutProxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    is_closed: AtomicBool,
    /// New connections are closed at once.
    refuses: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    /// Texts that are waited for, one after the other; the answer to what holds the last one is lost,
    /// with its connection.
    fatal: Mutex<VecDeque<String>>,
    lost: AtomicUsize,
}

impl CutProxy {
    /// Passes connections on to a port of loopback.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            target: SocketAddr::from((Ipv4Addr::LOCALHOST, target)),
            is_closed: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            open: Mutex::default(),
            fatal: Mutex::default(),
            lost: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { address, state })
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Cuts all connections, and every new one, until [`Self::heal`].
    pub fn cut_off(&self) {
        self.state.refuses.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Passes connections on again.
    pub fn heal(&self) {
        self.state.refuses.store(false, Ordering::SeqCst);
    }

    /// Passes on the next message that holds this text, and cuts its connection when the answer
    /// comes.
    pub fn lose_answer_to(&self, text: &str) {
        self.lose_answer_after(&[text]);
    }

    /// The same for the last of several texts, each of which comes after the one before.
    pub fn lose_answer_after(&self, texts: &[&str]) {
        *self.state.fatal() = texts.iter().copied().map(str::to_owned).collect();
    }

    /// How many answers were lost.
    pub fn lost(&self) -> usize {
        self.state.lost.load(Ordering::SeqCst)
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.state.is_closed.store(true, Ordering::SeqCst);
        self.state.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn cut(&self) {
        for stream in self.open().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fatal(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the answer to this message is to be lost; only once.
    fn is_fatal(&self, message: &[u8]) -> bool {
        let mut fatal = self.fatal();
        let is_in = |text: &String| {
            let text = text.as_bytes();
            message.windows(text.len()).any(|window| window == text)
        };
        if !fatal.front().is_some_and(is_in) {
            return false;
        }
        fatal.pop_front();
        fatal.is_empty()
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming().flatten() {
        if state.is_closed.load(Ordering::SeqCst) {
            return;
        }
        if !state.refuses.load(Ordering::SeqCst) {
            // A target that is not there is a cut connection.
            let _ = connect(client, state);
        }
    }
}

fn connect(client: TcpStream, state: &Arc<State>) -> std::io::Result<()> {
    let server = TcpStream::connect(state.target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    state
        .open()
        .extend([client.try_clone()?, server.try_clone()?]);
    let is_doomed = Arc::new(AtomicBool::new(false));
    let (ask, doom) = (Arc::clone(state), Arc::clone(&is_doomed));
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        pass(from, to, |message| {
            if ask.is_fatal(message) {
                doom.store(true, Ordering::SeqCst);
            }
            true
        });
    });
    let count = Arc::clone(state);
    thread::spawn(move || {
        pass(server, client, |_| {
            let is_lost = is_doomed.load(Ordering::SeqCst);
            count.lost.fetch_add(usize::from(is_lost), Ordering::SeqCst);
            !is_lost
        });
    });
    Ok(())
}

/// Passes on what comes for as long as `may` says so, and closes both sides then.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer) {
        let message = &buffer[..length];
        if length == 0 || !may(message) || to.write_all(message).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every message with itself.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let answer = client.try_clone().unwrap();
                thread::spawn(move || pass(client, answer, |_| true));
            }
        });
        port
    }

    fn say(stream: &mut TcpStream, text: &str) -> String {
        let mut answer = [0; 100];
        let said = stream.write_all(text.as_bytes());
        let length = said.and_then(|()| stream.read(&mut answer)).unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[test]
    fn it_passes_on_until_an_answer_is_to_be_lost() {
        let proxy = CutProxy::start(echo()).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        assert_eq!(say(&mut stream, "one"), "one");
        proxy.lose_answer_to("COMMIT");
        assert_eq!(say(&mut stream, "two"), "two");
        assert_eq!(say(&mut stream, "say COMMIT now"), "");
        assert_eq!(proxy.lost(), 1);
    }

    #[test]
    fn cut_off_nothing_gets_through_until_it_is_healed() {
        let proxy = CutProxy::start(echo()).unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        let mut stream = connect();
        assert_eq!(say(&mut stream, "one"), "one");
        proxy.cut_off();
        assert_eq!(say(&mut stream, "two"), "");
        assert_eq!(say(&mut connect(), "three"), "");
        proxy.heal();
        assert_eq!(say(&mut connect(), "four"), "four");
    }
}
