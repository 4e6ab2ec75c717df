use assay_model::seam::inspector::Inspector;
fn main() {
    let i = assay_analyzers::StandardInspector::new(assay_archive::Limits::default());
    let quiet = std::env::var("Q").is_ok();
    for a in std::env::args().skip(1) {
        let p = std::path::Path::new(&a);
        let t = std::time::Instant::now();
        let r = if p.is_dir() {
            i.directory(p)
        } else {
            let mut f = std::fs::File::open(p).unwrap();
            i.file(p.file_name().unwrap().to_str().unwrap(), p.metadata().unwrap().len(), &mut f)
        };
        match r {
            Err(e) => println!("ERR {a}: {} {}", e.code, e.message),
            Ok(o) => {
                println!(
                    "{a}: {} comps {} skipped {} seen {} read {:?} {:?}",
                    o.components.len(),
                    o.skipped.len(),
                    o.files_seen,
                    o.read.len(),
                    o.analyzers,
                    t.elapsed()
                );
                if !quiet {
                    for c in &o.components {
                        println!(
                            "   {} {} [{}] {} own={:?} vend={:?} lic={:?}",
                            c.component.purl, c.path, c.analyzer, c.is_subject, c.owned_by, c.vendored_in, c.licenses
                        );
                    }
                }
                for s in o.skipped.iter().take(8) {
                    println!("   SKIP {} {} {}", s.path, s.reason, s.detail);
                }
            }
        }
    }
}
