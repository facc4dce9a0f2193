//! Tag=value lists, RFC 6376 section 3.2.

use std::collections::BTreeSet;

use bonafide::tag_list::{Tag, TagListError, Tags};

use super::naive;

/// A list has the tag-specs of the grammar and no others; each says where it stands, and whether its
/// name came before. The tags, printed as `name=value` and joined by semicolons, are the same tags.
pub fn holds(list: &[u8]) {
    let items: Vec<_> = Tags::new(list).collect();
    let specs = naive::tag_specs(list);
    assert_eq!(items.len(), specs.len());
    let mut names = BTreeSet::new();
    let mut tags = Vec::new();
    for (item, spec) in items.into_iter().zip(specs) {
        match item {
            Ok(tag) => {
                assert_eq!(Some((tag.name, tag.value)), spec);
                assert_eq!(tag.is_duplicate, !names.insert(tag.name));
                check_tag(list, &tag);
                tags.push(tag);
            }
            Err(error) => {
                assert_eq!(None, spec);
                check_error(list, error);
            }
        }
    }
    if !tags.is_empty() {
        check_printed(&tags, &print(&tags));
    }
}

pub fn print(tags: &[Tag<'_>]) -> Vec<u8> {
    let specs: Vec<_> = tags.iter().map(|tag| [tag.name, tag.value].join(&b'=')).collect();
    specs.join(&b';')
}

/// Name, value and span stand in the list where the tag says.
pub fn check_tag(list: &[u8], tag: &Tag<'_>) {
    assert!(list[tag.name_offset..].starts_with(tag.name));
    assert_eq!(list[tag.span.clone()].trim_ascii(), tag.value);
    assert_eq!(list[tag.span.start - 1], b'=');
    assert!(matches!(list.get(tag.span.end), None | Some(b';')));
    assert!(tag.name_offset + tag.name.len() < tag.span.start);
    assert!(tag.span.start <= tag.value_offset);
    assert!(tag.value_offset + tag.value.len() <= tag.span.end);
    assert!(list[tag.value_offset..].starts_with(tag.value));
    // Zero-copy: the slices are parts of the list itself.
    assert_eq!(tag.name.as_ptr(), list[tag.name_offset..].as_ptr());
    assert_eq!(tag.value.as_ptr(), list[tag.value_offset..].as_ptr());
}

/// An error points at what it names.
pub fn check_error(list: &[u8], error: TagListError) {
    super::check_message(&error.to_string());
    match error {
        TagListError::Empty { offset } => {
            assert!(offset <= list.len());
            assert!(matches!(list.get(offset), None | Some(b';')));
        }
        TagListError::NoEqualsSign { offset } => {
            let spec = list[offset..].split(|octet| *octet == b';').next();
            assert!(spec.is_some_and(|spec| !spec.is_empty() && !spec.contains(&b'=')));
        }
        TagListError::Name { found, offset } | TagListError::Octet { found, offset } => {
            assert_eq!(list.get(offset), Some(&found));
        }
        _ => {}
    }
}

/// A printed list has the same names and values in the same order, and the same duplicates.
pub fn check_printed(tags: &[Tag<'_>], printed: &[u8]) {
    let again: Vec<_> = Tags::new(printed).collect();
    assert_eq!(again.len(), tags.len());
    for (again, tag) in again.iter().zip(tags) {
        let again = again.as_ref().expect("a printed tag is a tag");
        assert_eq!((again.name, again.value), (tag.name, tag.value));
        check_tag(printed, again);
    }
    let mut names = BTreeSet::new();
    for again in again.iter().flatten() {
        assert_eq!(again.is_duplicate, !names.insert(again.name));
    }
}
