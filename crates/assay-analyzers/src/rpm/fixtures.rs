//! Headers and databases made for tests, from the formats' descriptions.

use std::io::Write as _;

/// Pages of the Berkeley DB files, in bytes.
const PAGE: usize = 512;

pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
    Bytes(&'a [u8]),
}

pub(super) fn header(tags: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, value) in tags {
        if matches!(value, Value::Numbers(_)) {
            data.resize(data.len().next_multiple_of(4), 0);
        }
        let offset = data.len();
        let (kind, count) = match value {
            Value::Text(text) => (6, add_texts(&mut data, &[text])),
            Value::Texts(texts) => (8, add_texts(&mut data, texts)),
            Value::Numbers(numbers) => {
                numbers.iter().for_each(|number| data.extend(number.to_be_bytes()));
                (4, numbers.len())
            }
            Value::Bytes(bytes) => {
                data.extend(*bytes);
                (7, bytes.len())
            }
        };
        for number in [*tag, kind, offset as u32, count as u32] {
            index.extend(number.to_be_bytes());
        }
    }
    let mut out = Vec::new();
    out.extend((tags.len() as u32).to_be_bytes());
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(index);
    out.extend(data);
    out
}

fn add_texts(data: &mut Vec<u8>, texts: &[&str]) -> usize {
    for text in texts {
        data.extend(text.as_bytes());
        data.push(0);
    }
    texts.len()
}

/// Three packages and a key: a plain one, a modular one with files, and a large one.
pub(super) fn headers() -> Vec<Vec<u8>> {
    use Value::{Bytes, Numbers, Text, Texts};
    let long = "x".repeat(3000);
    vec![
        header(&[(1000, Text("gpg-pubkey")), (1001, Text("1")), (1002, Text("2"))]),
        header(&[
            (261, Bytes(&[0xab; 16])),
            (1000, Text("bash")),
            (1001, Text("5.1.8")),
            (1002, Text("6.el9")),
            (1004, Text("A shell")),
            (1011, Text("Red Hat, Inc.")),
            (1014, Text("GPLv3+")),
            (1022, Text("x86_64")),
            (1044, Text("bash-5.1.8-6.el9.src.rpm")),
            (1116, Numbers(&[0])),
            (1117, Texts(&["sh"])),
            (1118, Texts(&["/usr/bin/"])),
        ]),
        header(&[
            (1000, Text("python3-six")),
            (1001, Text("1.15.0")),
            (1002, Text("9.module_el8")),
            (1003, Numbers(&[1])),
            (1022, Text("noarch")),
            (1044, Text("python-six-1.15.0-9.module_el8.src.rpm")),
            (1048, Numbers(&[0, 12, 1 << 24 | 10])),
            (1049, Texts(&["/usr/bin/sh", "large", "rpmlib(CompressedFileNames)"])),
            (1050, Texts(&["", "2.0", "3.0.4-1"])),
            (1116, Numbers(&[0, 1])),
            (1117, Texts(&["six.py", "METADATA"])),
            (1118, Texts(&["/usr/lib/python3.9/", "/usr/lib/python3.9/site-packages/six-1.15.0.dist-info/"])),
            (5096, Text("python39:3.9:8050020:1")),
        ]),
        header(&[(1000, Text("large")), (1001, Text("2.1")), (1002, Text("1")), (1004, Text(&long))]),
    ]
}

pub(super) fn ndb(values: &[Vec<u8>]) -> Vec<u8> {
    let mut slots = Vec::new();
    let mut blobs = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let package = at as u32 + 1;
        let offset = (4096 + blobs.len()) as u32 / 16;
        let blocks = (16 + value.len() + 12).div_ceil(16);
        slots.extend(b"Slot");
        [package, offset, blocks as u32].iter().for_each(|number| slots.extend(number.to_le_bytes()));
        let begin = blobs.len();
        blobs.extend(b"BlbS");
        [package, 1, value.len() as u32].iter().for_each(|number| blobs.extend(number.to_le_bytes()));
        blobs.extend(value);
        blobs.resize(begin + blocks * 16, 0);
    }
    // A slot that is free.
    slots.extend(b"Slot");
    let mut out = b"RpmP".to_vec();
    [0, 1, 1, values.len() as u32 + 1, 0, 0, 0].iter().for_each(|number: &u32| out.extend(number.to_le_bytes()));
    out.extend(slots);
    out.resize(4096, 0);
    out.extend(blobs);
    out
}

/// One pair on each hash page; what does not fit goes to overflow pages.
pub(super) fn bdb(values: &[Vec<u8>], big_endian: bool) -> Vec<u8> {
    let number32 =
        |number: usize| if big_endian { (number as u32).to_be_bytes() } else { (number as u32).to_le_bytes() };
    let number16 =
        |number: usize| if big_endian { (number as u16).to_be_bytes() } else { (number as u16).to_le_bytes() };
    let mut pages: Vec<Vec<u8>> = vec![vec![0; PAGE]];
    for (at, value) in values.iter().enumerate() {
        let mut item = Vec::new();
        if value.len() < PAGE / 4 {
            item.push(1);
            item.extend(value);
        } else {
            item.extend([3, 0, 0, 0]);
            item.extend(number32(pages.len() + 1));
            item.extend(number32(value.len()));
        }
        let mut page = vec![0; PAGE];
        let key = PAGE - 5;
        let data = key - item.len();
        page[20..22].copy_from_slice(&number16(2));
        page[25] = 13;
        page[26..28].copy_from_slice(&number16(key));
        page[28..30].copy_from_slice(&number16(data));
        page[key] = 1;
        page[key + 1..].copy_from_slice(&number32(at));
        page[data..key].copy_from_slice(&item);
        pages.push(page);
        if item[0] == 3 {
            let pieces: Vec<&[u8]> = value.chunks(PAGE - 26).collect();
            for (at, piece) in pieces.iter().enumerate() {
                let mut page = vec![0; PAGE];
                let next = if at + 1 < pieces.len() { pages.len() + 1 } else { 0 };
                page[16..20].copy_from_slice(&number32(next));
                page[22..24].copy_from_slice(&number16(piece.len()));
                page[25] = 7;
                page[26..26 + piece.len()].copy_from_slice(piece);
                pages.push(page);
            }
        }
    }
    let last = pages.len() - 1;
    pages[0][12..16].copy_from_slice(&number32(0x0006_1561));
    pages[0][16..20].copy_from_slice(&number32(9));
    pages[0][20..24].copy_from_slice(&number32(PAGE));
    pages[0][25] = 8;
    pages[0][32..36].copy_from_slice(&number32(last));
    pages.concat()
}

pub(super) fn sqlite(values: &[Vec<u8>]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpmdb.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let schema = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)";
    connection.execute(schema, []).unwrap();
    for value in values {
        connection.execute("INSERT INTO Packages (blob) VALUES (?1)", [value]).unwrap();
    }
    drop(connection);
    std::fs::read(path).unwrap()
}

/// A package file around one header.
pub(super) fn package_file(header: &[u8]) -> Vec<u8> {
    let mut out = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
    out.resize(96, 0);
    let magic = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
    out.write_all(&magic).unwrap();
    out.extend(self::header(&[(1000, Value::Numbers(&[5])), (62, Value::Bytes(b"odd"))]));
    out.resize(out.len().next_multiple_of(8), 0);
    out.write_all(&magic).unwrap();
    out.extend(header);
    out.extend(b"payload");
    out
}
