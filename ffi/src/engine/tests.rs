use super::*;

fn panicking(engine: &Engine) -> OutlayError {
    let panicked: Result<()> = engine.call(|_| panic!("a bug"));
    panicked.unwrap_err()
}

#[test]
fn a_panic_is_an_error_and_the_engine_can_be_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.outlay").to_str().unwrap().to_owned();
    let engine = Engine::open(path, Options::default()).unwrap();
    let home = engine.create_ledger("Home".into(), outlay_core::Currency::EUR).unwrap();

    assert_eq!(panicking(&engine), OutlayError::panicked());
    assert_eq!(engine.ledgers(), Err(OutlayError::panicked()), "until it is opened anew");
    engine.reopen().unwrap();
    assert_eq!(engine.ledgers(), Ok(vec![home]), "what was durable is there");
}

#[test]
fn a_panic_in_an_engine_that_was_opened_anew_meanwhile_leaves_that_one_alone() {
    let engine = Engine::open_in_memory(Options::default()).unwrap();
    let late: Result<()> = engine.call(|_| {
        engine.reopen().unwrap();
        panic!("a bug in the former one");
    });
    assert_eq!(late, Err(OutlayError::panicked()));
    assert_eq!(engine.ledgers(), Ok(vec![]));
}

#[test]
fn an_engine_that_is_closed_says_so_and_closing_it_again_does_nothing() {
    let engine = Engine::open_in_memory(Options::default()).unwrap();
    engine.start_sync().unwrap();
    engine.shut_down();
    engine.shut_down();
    assert_eq!(engine.ledgers(), Err(OutlayError::closed()));
    assert_eq!(engine.start_sync(), Err(OutlayError::closed()));
    assert_eq!(panicking(&engine), OutlayError::closed(), "nothing is called any more");
}

#[test]
fn an_observer_may_close_the_engine_that_tells_it() {
    struct Closes(std::sync::Weak<Engine>, Mutex<std::sync::mpsc::Sender<()>>);
    impl crate::Observer for Closes {
        fn changed(&self, _: crate::Diff) {
            if let Some(engine) = self.0.upgrade() {
                engine.shut_down();
            }
            self.1.lock().unwrap().send(()).unwrap();
        }
    }
    let engine = Engine::open_in_memory(Options::default()).unwrap();
    let home = engine.create_ledger("Home".into(), outlay_core::Currency::EUR).unwrap().id;
    let (tell, told) = std::sync::mpsc::channel();
    let observer = Arc::new(Closes(Arc::downgrade(&engine), Mutex::new(tell)));
    let watch = engine.observe(home, Default::default(), Default::default(), 10, observer).unwrap();
    told.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!(engine.ledgers(), Err(OutlayError::closed()));
    watch.cancel();
    watch.cancel();
}

/// A sink that tells a channel, and does something after each line.
struct Logs<F>(Mutex<std::sync::mpsc::Sender<outlay_core::LogLine>>, F);

impl<F: Fn() + Send + Sync> crate::LogSink for Logs<F> {
    fn log(&self, line: outlay_core::LogLine) {
        self.0.lock().unwrap().send(line).unwrap();
        (self.1)();
    }
}

fn logging<F: Fn() + Send + Sync + 'static>(then: F) -> (Options, std::sync::mpsc::Receiver<outlay_core::LogLine>) {
    let (tell, told) = std::sync::mpsc::channel();
    let sink: Arc<dyn crate::LogSink> = Arc::new(Logs(Mutex::new(tell), then));
    (Options { log_sink: Some(sink), ..Options::default() }, told)
}

#[test]
fn a_call_that_panics_is_told_the_log_and_one_that_is_opened_anew_goes_on_telling() {
    let (options, told) = logging(|| {});
    let engine = Engine::open_in_memory(options).unwrap();
    panicking(&engine);
    engine.reopen().unwrap();
    engine.shut_down();
    let messages: Vec<String> = told.try_iter().map(|line| line.message).collect();
    let count = |part: &str| messages.iter().filter(|message| message.contains(part)).count();
    assert_eq!((count("ended by a bug"), count("opened by device"), count("closed")), (1, 2, 2), "{messages:?}");
}

#[test]
fn a_sink_that_closes_the_engine_or_panics_harms_nobody() {
    let (close, closed) = std::sync::mpsc::channel();
    let holder = Arc::new(Mutex::new(None::<Arc<Engine>>));
    let held = Arc::clone(&holder);
    let (options, _told) = logging(move || {
        if let Some(engine) = held.lock().unwrap().take() {
            engine.shut_down();
            close.send(()).unwrap();
            panic!("a bug of the app");
        }
    });
    let engine = Engine::open_in_memory(options).unwrap();
    *holder.lock().unwrap() = Some(Arc::clone(&engine));
    // The lines of opening may all have been told before, so there is one more.
    panicking(&engine);
    closed.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!(engine.ledgers(), Err(OutlayError::closed()));
    engine.reopen().unwrap();
    assert_eq!(engine.ledgers(), Ok(vec![]));
}
