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
