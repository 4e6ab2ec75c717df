//! Executables and databases whose numbers point anywhere: at themselves, past the end, at everything.

use std::io::Write;

use super::Case;

const RPM: &str = "var/lib/rpm/Packages";

pub fn cases() -> Vec<Case> {
    vec![
        Case::file("elf: as many sections as can be written", "a", || elf(0xffff, 64, &[])),
        Case::file("elf: sections without number", "a", || elf(0, 64, &(1_u64 << 60).to_le_bytes())),
        Case::file("elf: sections of other sizes", "a", || elf(100, 1, &[])),
        Case::file("elf: everything set", "a", || [b"\x7fELF\x02\x01\x01".to_vec(), vec![0xff; 4000]].concat()),
        Case::file("elf: 32 bits, everything set", "a", || {
            [b"\x7fELF\x01\x02\x01".to_vec(), vec![0xff; 4000]].concat()
        }),
        Case::file("elf: a list of crates that is a bomb", "a", crates_bomb),
        Case::file("go: a text without end", "a", || go(&[&[2_u8][..], &[0; 16], &[0xff; 9], &[1]].concat())),
        Case::file("go: texts at themselves", "a", || {
            go(&[&[0_u8][..], &0x78_u64.to_le_bytes(), &0x78_u64.to_le_bytes()].concat())
        }),
        Case::file("go: a list of modules with megabytes of lines", "a", || {
            let lines = format!(
                "{}{}{}",
                "<".repeat(16),
                "dep\ta.example/b\tv1.0.0\n=>\tc.example/d\tv1\n".repeat(200_000),
                ">".repeat(16)
            );
            let length = lines.len();
            let counted = [
                (length & 0x7f) as u8 | 0x80,
                (length >> 7 & 0x7f) as u8 | 0x80,
                (length >> 14 & 0x7f) as u8 | 0x80,
                (length >> 21) as u8,
            ];
            go(&[&[2_u8][..], &[0; 16], b"\x06go1.21", &counted, lines.as_bytes()].concat())
        }),
        Case::file("pe: as many sections as can be written", "a.exe", || {
            let mut bytes = [&b"MZ"[..], &[0; 58], &[64, 0, 0, 0], b"PE\0\0\x64\x86\xff\xff"].concat();
            bytes.resize(6000, 0xff);
            bytes
        }),
        Case::file("mach-o: for many processors, all the same", "a", || {
            let arch = [&[1, 0, 0, 7, 0, 0, 0, 3][..], &[0, 0, 0, 0], &[0xff; 4], &[0, 0, 0, 1]].concat();
            [&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 19][..], &arch.repeat(19)].concat()
        }),
        Case::file("mach-o: as many commands as can be written", "a", || {
            let mut bytes = [&[0xcf, 0xfa, 0xed, 0xfe][..], &[0; 12], &[0xff; 8], &[0; 8]].concat();
            bytes.extend([0x19, 0, 0, 0, 0, 0, 0, 0].repeat(5000));
            bytes
        }),
        Case::file("wasm: sections of 4 GiB, and of nothing", "a.wasm", || {
            [&b"\0asm\x01\0\0\0"[..], &[0, 0].repeat(300_000), &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat()
        }),
        Case::tree("bdb: a page that follows itself", RPM, || bdb(1, 1 << 30)),
        Case::tree("bdb: two pages that follow each other", RPM, || bdb(2, u32::MAX)),
        Case::tree("bdb: more pages than there are", RPM, || number(bdb(1, 10), 32, u32::MAX)),
        Case::tree("bdb: pages of one byte", RPM, || number(bdb(1, 10), 20, 1)),
        Case::tree("bdb: pages of nothing", RPM, || number(bdb(1, 10), 20, 0)),
        Case::tree("bdb: pages of 2 GiB", RPM, || number(bdb(1, 10), 20, 1 << 31)),
        Case::tree("bdb: pages with more entries than bytes", RPM, || {
            let mut bytes = bdb(1, 10);
            bytes[512 + 20..512 + 22].copy_from_slice(&[0xff, 0xff]);
            bytes
        }),
        Case::tree("bdb: every page asks for the same long value", RPM, bdb_shared),
        Case::tree("ndb: more slots than there are", RPM, || ndb(u32::MAX, 16)),
        Case::tree("ndb: blobs of 4 GiB", RPM, || ndb(2, u32::MAX)),
        Case::tree("ndb: every slot names the same blob", RPM, ndb_shared),
        Case::tree("rpm: a header of as many tags as can be written", RPM, || {
            ndb_of(&[&[0xff; 8][..], &[0; 64]].concat())
        }),
        Case::tree("rpm: texts without number", RPM, || {
            ndb_of(&header(&[(1000, 6, 0, 1), (1117, 8, 0, u32::MAX)], b"a\0"))
        }),
        Case::tree("rpm: files without number in one folder", RPM, || {
            let numbers = vec![0; 4 * 400_000];
            let texts = b"x\0".repeat(400_000);
            let data = [&numbers[..], &texts].concat();
            let at = 1_600_000;
            ndb_of(&header(
                &[
                    (1000, 6, at, 1),
                    (1001, 6, at, 1),
                    (1002, 6, at, 1),
                    (1116, 4, 0, 400_000),
                    (1117, 8, at, 400_000),
                    (1118, 8, at, 400_000),
                ],
                &data,
            ))
        }),
        Case::file("rpm: a file whose headers say too much", "a.rpm", || {
            let mut bytes = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
            bytes.resize(96, 0);
            bytes.extend([0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf0, 0xff, 0xff, 0xff, 0xf0]);
            bytes
        }),
        Case::tree("sqlite: pages that name their parent", "var/lib/rpm/rpmdb.sqlite", sqlite_circle),
        Case::tree("sqlite: nothing but a head", "var/lib/rpm/rpmdb.sqlite", || {
            [&b"SQLite format 3\0"[..], &[0xff; 5000]].concat()
        }),
    ]
}

/// An ELF of 64 bits with its table of sections at the end of its header.
fn elf(count: u16, size: u16, section: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[40..48].copy_from_slice(&64_u64.to_le_bytes());
    file[58..60].copy_from_slice(&size.to_le_bytes());
    file[60..62].copy_from_slice(&count.to_le_bytes());
    file[62..64].copy_from_slice(&1_u16.to_le_bytes());
    let mut first = vec![0; 64];
    first[32..32 + section.len()].copy_from_slice(section);
    file.extend(first);
    file.extend([0xff; 6400]);
    file
}

/// An ELF with one section of this name.
fn one_section(name: &[u8], content: &[u8]) -> Vec<u8> {
    let names = [b"\0", name, b"\0"].concat();
    let (names_at, headers_at) = (64 + content.len(), 64 + content.len() + names.len());
    let mut file = [&b"\x7fELF\x02\x01\x01"[..], &[0; 33]].concat();
    file.extend((headers_at as u64).to_le_bytes());
    file.extend([0; 10]);
    file.extend([64, 0, 2, 0, 1, 0]);
    file.extend([content, &names].concat());
    for (at, from, size) in [(1_u32, 64, content.len()), (0, names_at, names.len())] {
        file.extend(
            [
                &at.to_le_bytes()[..],
                &[1, 0, 0, 0],
                &[0; 16],
                &(from as u64).to_le_bytes(),
                &(size as u64).to_le_bytes(),
                &[0; 24],
            ]
            .concat(),
        );
    }
    file
}

fn crates_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b' '; 300 << 20]).unwrap();
    one_section(b".dep-v0", &encoder.finish().unwrap())
}

fn go(rest: &[u8]) -> Vec<u8> {
    one_section(b".go.buildinfo", &[&b"\xff Go buildinf:\x08"[..], rest].concat())
}

fn number(mut bytes: Vec<u8>, at: usize, number: u32) -> Vec<u8> {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// A hash of pages of 512 bytes: one item of `length`, on `pages` pages that follow each other in a circle.
fn bdb(pages: u32, length: u32) -> Vec<u8> {
    let mut bytes = vec![0; 512 * (2 + pages as usize)];
    for (at, value) in [(12, 0x0006_1561_u32), (16, 9), (20, 512), (32, 1 + pages)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes[25] = 8;
    let item = [&[3, 0, 0, 0][..], &2_u32.to_le_bytes(), &length.to_le_bytes()].concat();
    let page = &mut bytes[512..1024];
    page[20] = 2;
    page[25] = 13;
    page[26..30].copy_from_slice(&[0xfb, 1, 0xef, 1]);
    page[0x1ef..0x1fb].copy_from_slice(&item);
    page[0x1fb] = 1;
    for at in 0..pages {
        let begin = 512 * (2 + at as usize);
        bytes[begin + 16..begin + 20].copy_from_slice(&(2 + (at + 1) % pages).to_le_bytes());
        bytes[begin + 22..begin + 24].copy_from_slice(&486_u16.to_le_bytes());
        bytes[begin + 25] = 7;
    }
    bytes
}

/// Thousands of pages, each full of items that stand for one chain of four megabytes.
fn bdb_shared() -> Vec<u8> {
    let (heads, chain) = (1000_u32, 4000_u32);
    let mut bytes = vec![0; 512 * (1 + heads + chain) as usize];
    for (at, value) in [(12, 0x0006_1561_u32), (16, 9), (20, 512), (32, heads + chain)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes[25] = 8;
    for head in 1..=heads {
        let page = &mut bytes[512 * head as usize..][..512];
        page[20] = 60;
        page[25] = 13;
        let item = [&[3, 0, 0, 0][..], &(heads + 1).to_le_bytes(), &(chain * 486).to_le_bytes()].concat();
        page[500..512].copy_from_slice(&item);
        for at in 0..60 {
            page[26 + 2 * at..28 + 2 * at].copy_from_slice(&500_u16.to_le_bytes());
        }
    }
    for at in 0..chain {
        let begin = 512 * (1 + heads + at) as usize;
        let next = if at + 1 < chain { heads + 2 + at } else { 0 };
        bytes[begin + 16..begin + 20].copy_from_slice(&next.to_le_bytes());
        bytes[begin + 22..begin + 24].copy_from_slice(&486_u16.to_le_bytes());
        bytes[begin + 25] = 7;
    }
    bytes
}

fn ndb(slots: u32, length: u32) -> Vec<u8> {
    let mut bytes = b"RpmP".to_vec();
    for value in [0, 1, 1, slots, 0, 0, 0] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(b"Slot");
    for value in [1_u32, 256, 2] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(4096, 0);
    bytes.extend(b"BlbS");
    for value in [1, 1, length] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 64]);
    bytes
}

fn ndb_shared() -> Vec<u8> {
    let mut bytes = b"RpmP".to_vec();
    let slots = 16_u32;
    let count = slots * 256 - 2;
    for value in [0, 1, slots, 0, 0, 0, 0_u32] {
        bytes.extend(value.to_le_bytes());
    }
    let length = 4_u32 << 20;
    for _ in 0..count {
        bytes.extend(b"Slot");
        for value in [1_u32, slots * 256, length / 16 + 2] {
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes.resize(slots as usize * 4096, 0);
    bytes.extend(b"BlbS");
    for value in [1, 1, length] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(bytes.len() + length as usize + 64, 0);
    bytes
}

fn ndb_of(value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    let mut bytes = ndb(1, length);
    bytes.truncate(4096 + 16);
    bytes.extend(value);
    bytes.resize((bytes.len() + 12).next_multiple_of(16), 0);
    bytes[32 + 12..32 + 16].copy_from_slice(&((16 + length + 12).div_ceil(16)).to_le_bytes());
    bytes
}

/// Tag, type, offset, count.
fn header(tags: &[(u32, u32, u32, u32)], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(u32::try_from(tags.len()).unwrap().to_be_bytes());
    bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    for (tag, kind, offset, count) in tags {
        [tag, kind, offset, count].iter().for_each(|value| bytes.extend(value.to_be_bytes()));
    }
    bytes.extend(data);
    bytes
}

/// A table with an inner page, all of whose children are itself.
fn sqlite_circle() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpmdb.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        .unwrap();
    for _ in 0..300 {
        connection.execute("INSERT INTO Packages (blob) VALUES (zeroblob(500))", []).unwrap();
    }
    drop(connection);
    let mut bytes = std::fs::read(path).unwrap();
    let inner = (1..bytes.len() / 4096).find(|page| bytes[page * 4096] == 5).unwrap();
    let own = u32::try_from(inner + 1).unwrap().to_be_bytes();
    let begin = inner * 4096;
    let cells = usize::from(u16::from_be_bytes([bytes[begin + 3], bytes[begin + 4]]));
    bytes[begin + 8..begin + 12].copy_from_slice(&own);
    for cell in 0..cells {
        let at = begin + 12 + 2 * cell;
        let offset = begin + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        bytes[offset..offset + 4].copy_from_slice(&own);
    }
    bytes
}
