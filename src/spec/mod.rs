//! `config.json` of a bundle, without loss: find a field ([`document`]), say what to change ([`edit`]), where the
//! file is ([`bundle`]), and the view of it that rules match on ([`workload`]).

pub mod annotation;
pub mod bundle;
pub mod document;
pub mod edit;
pub mod workload;
