//! The rules, one file each, and the list of all of them.
//!
//! A rule is a file here, a line in [`ALL`], a directory in `testdata/lint` and a section of `docs/rules.md`, all of
//! one name; a test goes over the list and misses none of them.

mod builder_in_pod;
mod buildkitd_invalid_value;
mod buildkitd_without_shim;
mod cgroup_missing;
mod cgroup_shared;
mod compose_memory;
mod containerd_imports;
mod containerd_invalid_value;
mod containerd_other_version;
mod containerd_template;
mod containerd_without_shim;
mod containers_conf_unread_key;
mod contradictory_limits;
mod dockerd_buildkit_bypass;
mod dockerd_invalid_runtime;
mod dockerd_invalid_value;
mod dockerd_reserved_runtime;
mod dockerd_runtime_args;
mod dockerd_unknown_key;
mod dockerd_without_shim;
mod duplicate_keys;
mod engine_killed_first;
mod hook_binary_missing;
mod hook_malformed;
mod hook_never_runs;
mod hook_timeout;
mod hook_wrong_stage;
mod host_pid_namespace;
mod host_tmpfs_bind;
mod immune_step;
mod immune_with_limit;
mod invalid_unified_value;
mod keeps_sys_resource;
mod memory_limit_refused;
mod missing_field;
mod misspelt_field;
mod negative_oom_score_adj;
mod no_memory_limit;
mod not_json;
mod not_toml;
mod nvidia_runtimes;
mod oom_group_defeated;
mod oom_group_missing;
mod oom_killer_disabled;
mod oom_score_adj_below_floor;
mod oom_score_adj_not_an_integer;
mod oom_score_adj_not_sticky;
mod oom_score_adj_out_of_range;
mod oom_score_adj_unset;
mod pod_memory;
mod pod_qos;
mod policy_default_unprotected;
mod policy_guard_contradiction;
mod policy_immune_limit;
mod policy_keep_by_choice;
mod policy_lowers_request;
mod policy_malformed;
mod policy_rule_never_matches;
mod policy_rule_shadowed;
mod policy_self_immunity;
mod relative_path;
mod rootfs_missing;
mod runtime_class_handler;
mod runtime_family_changed;
mod runtime_not_configured;
mod shared_mount_namespace;
mod shared_propagation;
mod swap_not_limited;
mod syntax_error;
mod tmpfs_invalid_size;
mod tmpfs_without_size;
mod tool_as_runtime;
mod trailing_data;
mod typed_reader_refuses;
mod unified_on_cgroup_v1;
mod unit_engine_killed;
mod unit_ignored_setting;
mod unit_immune_limit;
mod unknown_field;
mod unknown_ignore;
mod unknown_value;
mod unsupported_version;
mod user_namespace_unmapped;
mod wrong_type;

use super::rule::Rule;

/// Every rule, by group: who is killed first, what is killed, what stays, the file itself, and the machine around it.
pub static ALL: &[&dyn Rule] = &[
    &engine_killed_first::EngineKilledFirst,
    &host_pid_namespace::HostPidNamespace,
    &immune_step::ImmuneStep,
    &keeps_sys_resource::KeepsSysResource,
    &negative_oom_score_adj::NegativeOomScoreAdj,
    &oom_score_adj_below_floor::OomScoreAdjBelowFloor,
    &oom_score_adj_not_an_integer::OomScoreAdjNotAnInteger,
    &oom_score_adj_out_of_range::OomScoreAdjOutOfRange,
    &oom_score_adj_unset::OomScoreAdjUnset,
    &pod_qos::PodQos,
    &policy_lowers_request::PolicyLowersRequest,
    &oom_score_adj_not_sticky::OomScoreAdjNotSticky,
    &duplicate_keys::DuplicateKeys,
    &builder_in_pod::BuilderInPod,
    &cgroup_missing::CgroupMissing,
    &cgroup_shared::CgroupShared,
    &compose_memory::ComposeMemory,
    &contradictory_limits::ContradictoryLimits,
    &immune_with_limit::ImmuneWithLimit,
    &invalid_unified_value::InvalidUnifiedValue,
    &memory_limit_refused::MemoryLimitRefused,
    &no_memory_limit::NoMemoryLimit,
    &oom_group_defeated::OomGroupDefeated,
    &oom_group_missing::OomGroupMissing,
    &oom_killer_disabled::OomKillerDisabled,
    &pod_memory::PodMemory,
    &policy_guard_contradiction::PolicyGuardContradiction,
    &policy_immune_limit::PolicyImmuneLimit,
    &swap_not_limited::SwapNotLimited,
    &unified_on_cgroup_v1::UnifiedOnCgroupV1,
    &unit_engine_killed::UnitEngineKilled,
    &unit_immune_limit::UnitImmuneLimit,
    &host_tmpfs_bind::HostTmpfsBind,
    &shared_mount_namespace::SharedMountNamespace,
    &shared_propagation::SharedPropagation,
    &tmpfs_invalid_size::TmpfsInvalidSize,
    &tmpfs_without_size::TmpfsWithoutSize,
    &hook_timeout::HookTimeout,
    &missing_field::MissingField,
    &misspelt_field::MisspeltField,
    &not_json::NotJson,
    &not_toml::NotToml,
    &relative_path::RelativePath,
    &rootfs_missing::RootfsMissing,
    &syntax_error::SyntaxError,
    &trailing_data::TrailingData,
    &typed_reader_refuses::TypedReaderRefuses,
    &unit_ignored_setting::UnitIgnoredSetting,
    &unknown_field::UnknownField,
    &unknown_ignore::UnknownIgnore,
    &unknown_value::UnknownValue,
    &unsupported_version::UnsupportedVersion,
    &user_namespace_unmapped::UserNamespaceUnmapped,
    &wrong_type::WrongType,
    &buildkitd_invalid_value::BuildkitdInvalidValue,
    &buildkitd_without_shim::BuildkitdWithoutShim,
    &containerd_imports::ContainerdImports,
    &containerd_invalid_value::ContainerdInvalidValue,
    &containerd_other_version::ContainerdOtherVersion,
    &containerd_template::ContainerdTemplate,
    &containerd_without_shim::ContainerdWithoutShim,
    &containers_conf_unread_key::ContainersConfUnreadKey,
    &dockerd_buildkit_bypass::DockerdBuildkitBypass,
    &dockerd_invalid_runtime::DockerdInvalidRuntime,
    &dockerd_invalid_value::DockerdInvalidValue,
    &dockerd_reserved_runtime::DockerdReservedRuntime,
    &dockerd_runtime_args::DockerdRuntimeArgs,
    &dockerd_unknown_key::DockerdUnknownKey,
    &dockerd_without_shim::DockerdWithoutShim,
    &hook_binary_missing::HookBinaryMissing,
    &hook_malformed::HookMalformed,
    &hook_never_runs::HookNeverRuns,
    &hook_wrong_stage::HookWrongStage,
    &nvidia_runtimes::NvidiaRuntimes,
    &policy_default_unprotected::PolicyDefaultUnprotected,
    &policy_keep_by_choice::PolicyKeepByChoice,
    &policy_malformed::PolicyMalformed,
    &policy_rule_never_matches::PolicyRuleNeverMatches,
    &policy_rule_shadowed::PolicyRuleShadowed,
    &policy_self_immunity::PolicySelfImmunity,
    &runtime_class_handler::RuntimeClassHandler,
    &runtime_family_changed::RuntimeFamilyChanged,
    &runtime_not_configured::RuntimeNotConfigured,
    &tool_as_runtime::ToolAsRuntime,
];
