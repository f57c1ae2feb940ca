//! `config.json` of a bundle, without loss: find a field ([`document`]), say what to change ([`edit`]), where the
//! file is ([`bundle`]), the view of it that rules match on ([`workload`]), and the fields' names ([`field`]).

pub mod annotation;
pub mod bundle;
pub mod document;
pub mod edit;
pub mod field;
pub mod splice;
pub mod workload;
