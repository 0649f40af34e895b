//! Rules become a program of classic BPF, which the kernel runs before each system call: first the
//! kind of CPU, then a binary search for the number of the call, then questions about its arguments.

use std::collections::BTreeMap;

use oci_spec::runtime::LinuxSeccompOperator;

use super::SeccompError;
use super::architecture::Architecture;
use super::profile::{Argument, Rules, Verdict};

/// The kernel takes no longer ones.
const LONGEST: usize = 4096;
/// `ENOSYS`: programs try something older when a call is too new.
const NO_SUCH_CALL: Verdict = Verdict::Errno(38);
/// Numbers from here on are calls of x32 on x86-64, and private calls on arm.
const APART: u32 = 0x000f_0000;

// Where the kernel puts what it knows of a call.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

pub(super) const LOAD: u16 = 0x20;
pub(super) const AND: u16 = 0x54;
pub(super) const JUMP: u16 = 0x05;
pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
pub(super) const JUMP_IF_GREATER: u16 = 0x25;
pub(super) const JUMP_IF_NOT_LESS: u16 = 0x35;
pub(super) const RETURN: u16 = 0x06;

/// One instruction, as the kernel takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Instruction {
    pub(super) code: u16,
    /// How many to skip if so.
    pub(super) yes: u8,
    /// How many to skip if not.
    pub(super) no: u8,
    pub(super) value: u32,
}

/// The program that judges by these rules.
pub(super) fn program_of(rules: &Rules) -> Result<Vec<Instruction>, SeccompError> {
    let mut program = vec![plain(LOAD, ARCHITECTURE_AT)];
    for &architecture in &rules.architectures {
        let mut body = vec![plain(LOAD, NUMBER_AT)];
        body.extend(search(&ranges(rules, architecture)));
        program.push(Instruction {
            yes: 1,
            ..plain(JUMP_IF_EQUAL, architecture.audit_number())
        });
        program.push(jump_over(&body));
        program.extend(body);
    }
    program.push(verdict(Verdict::KillProcess));
    if program.len() > LONGEST {
        return Err(SeccompError::TooLong(program.len()));
    }
    Ok(program)
}

/// One way for a call to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    arguments: Vec<Argument>,
    verdict: Verdict,
}

/// How a call is judged: the first case that fits decides, and the last always fits.
type Cases = Vec<Case>;

/// How calls are judged, from each number on until the next.
fn ranges(rules: &Rules, architecture: Architecture) -> Vec<(u32, Cases)> {
    let named = named(rules, architecture);
    let newest = named.keys().copied().rfind(|number| *number < APART);
    // What is newer than all that the profile speaks of does not exist, as far as it is concerned.
    let beyond = if rules.otherwise.permits() {
        rules.otherwise
    } else {
        NO_SUCH_CALL
    };
    let unnamed = |number: u32| {
        let is_beyond = newest.is_none_or(|newest| number > newest);
        vec![always(if is_beyond { beyond } else { rules.otherwise })]
    };
    let mut all = vec![(0, unnamed(0))];
    for (number, mut cases) in named {
        cases.push(always(rules.otherwise));
        all.push((number, cut(cases)));
        all.push((number + 1, unnamed(number + 1)));
    }
    all.extend(
        architecture
            .end()
            .map(|end| (end, vec![always(NO_SUCH_CALL)])),
    );
    tidied(all)
}

/// What the rules say of each call, in their order.
fn named(rules: &Rules, architecture: Architecture) -> BTreeMap<u32, Cases> {
    let mut named: BTreeMap<u32, Cases> = BTreeMap::new();
    let calls = rules
        .list
        .iter()
        .flat_map(|rule| rule.names.iter().map(move |name| (rule, name)));
    for (rule, name) in calls {
        let mut add = |call: &str, arguments: Vec<Argument>| {
            if let Some(number) = architecture.number_of(call) {
                let verdict = rule.verdict;
                let case = Case { arguments, verdict };
                named.entry(number).or_default().push(case);
            }
        };
        add(name, rule.arguments.clone());
        let Some(through) = architecture.multiplexed(name) else {
            continue;
        };
        // There the arguments are in memory, which no filter sees: what is forbidden for some of
        // them is forbidden for all, and nothing is permitted on this account.
        if !rule.verdict.permits() {
            let is_this = Argument {
                index: 0,
                value: through.mask,
                value_two: through.value,
                op: LinuxSeccompOperator::ScmpCmpMaskedEq,
            };
            add(through.call, vec![is_this]);
        }
    }
    named
}

fn always(verdict: Verdict) -> Case {
    Case {
        arguments: Vec::new(),
        verdict,
    }
}

/// Without what stands behind the first case that always fits.
fn cut(mut cases: Cases) -> Cases {
    let first = cases.iter().position(|case| case.arguments.is_empty());
    cases.truncate(first.map_or(cases.len(), |index| index + 1));
    cases
}

/// Without empty ranges, and with neighbours that are alike as one.
fn tidied(all: Vec<(u32, Cases)>) -> Vec<(u32, Cases)> {
    let mut kept: Vec<(u32, Cases)> = Vec::new();
    for (start, cases) in all {
        if kept.last().is_some_and(|(before, _)| *before == start) {
            kept.pop();
        }
        if kept.last().is_none_or(|(_, before)| *before != cases) {
            kept.push((start, cases));
        }
    }
    kept
}

/// Finds the range of a number by halves.
fn search(ranges: &[(u32, Cases)]) -> Vec<Instruction> {
    let [(_, cases)] = ranges else {
        let (lower, upper) = ranges.split_at(ranges.len() / 2);
        let below = search(lower);
        let mut program = jump_over_unless_less(upper[0].0, &below);
        program.extend(below);
        program.extend(search(upper));
        return program;
    };
    cases.iter().flat_map(instructions_of).collect()
}

/// Jumps over what follows unless the number is less than this one.
fn jump_over_unless_less(number: u32, following: &[Instruction]) -> Vec<Instruction> {
    let question = plain(JUMP_IF_NOT_LESS, number);
    // A question jumps no further than 255.
    match u8::try_from(following.len()) {
        Ok(yes) => vec![Instruction { yes, ..question }],
        Err(_) => vec![Instruction { no: 1, ..question }, jump_over(following)],
    }
}

/// Goes on behind itself if the case does not fit.
fn instructions_of(case: &Case) -> Vec<Instruction> {
    let blocks: Vec<Vec<Step>> = case.arguments.iter().map(questions).collect();
    let total: usize = blocks.iter().map(Vec::len).sum();
    let mut program = Vec::new();
    for block in blocks {
        let start = program.len();
        for (index, step) in block.iter().enumerate() {
            let here = start + index + 1;
            let skip = |goal| match goal {
                Goal::Next => 0,
                Goal::Fits => start + block.len() - here,
                // Behind the verdict.
                Goal::Fails => total + 1 - here,
            };
            let short = |goal| u8::try_from(skip(goal)).expect("six arguments are short");
            program.push(Instruction {
                yes: short(step.yes),
                no: short(step.no),
                ..plain(step.code, step.value)
            });
        }
    }
    program.push(verdict(case.verdict));
    program
}

/// Where to go after a question.
#[derive(Clone, Copy)]
enum Goal {
    Next,
    Fits,
    Fails,
}

#[derive(Clone, Copy)]
struct Step {
    code: u16,
    value: u32,
    yes: Goal,
    no: Goal,
}

/// Arguments have 64 bits, of which BPF sees 32 at a time: the upper half is asked first.
fn questions(argument: &Argument) -> Vec<Step> {
    use Goal::{Fails, Fits, Next};
    let ask = |code, value, yes, no| Step {
        code,
        value,
        yes,
        no,
    };
    let [upper, lower] = halves(argument.value);
    let (at_upper, at_lower) = places(argument.index);
    let load = |at| ask(LOAD, at, Next, Next);
    let ordered = |code, yes, no| {
        vec![
            load(at_upper),
            ask(JUMP_IF_GREATER, upper, yes, Next),
            ask(JUMP_IF_EQUAL, upper, Next, no),
            load(at_lower),
            ask(code, lower, yes, no),
        ]
    };
    match argument.op {
        LinuxSeccompOperator::ScmpCmpEq => vec![
            load(at_upper),
            ask(JUMP_IF_EQUAL, upper, Next, Fails),
            load(at_lower),
            ask(JUMP_IF_EQUAL, lower, Next, Fails),
        ],
        LinuxSeccompOperator::ScmpCmpNe => vec![
            load(at_upper),
            ask(JUMP_IF_EQUAL, upper, Next, Fits),
            load(at_lower),
            ask(JUMP_IF_EQUAL, lower, Fails, Fits),
        ],
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            let [wanted_upper, wanted_lower] = halves(argument.value_two);
            vec![
                load(at_upper),
                ask(AND, upper, Next, Next),
                ask(JUMP_IF_EQUAL, wanted_upper, Next, Fails),
                load(at_lower),
                ask(AND, lower, Next, Next),
                ask(JUMP_IF_EQUAL, wanted_lower, Next, Fails),
            ]
        }
        LinuxSeccompOperator::ScmpCmpGe => ordered(JUMP_IF_NOT_LESS, Fits, Fails),
        LinuxSeccompOperator::ScmpCmpGt => ordered(JUMP_IF_GREATER, Fits, Fails),
        LinuxSeccompOperator::ScmpCmpLt => ordered(JUMP_IF_NOT_LESS, Fails, Fits),
        LinuxSeccompOperator::ScmpCmpLe => ordered(JUMP_IF_GREATER, Fails, Fits),
    }
}

/// The upper and the lower half.
fn halves(value: u64) -> [u32; 2] {
    let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).expect("it has 32 bits");
    [half(value >> 32), half(value)]
}

/// Where the upper and the lower half of an argument are. Every CPU that filters are made for is
/// little-endian.
fn places(index: usize) -> (u32, u32) {
    let index = u32::try_from(index).expect("a call has six arguments");
    let at = ARGUMENTS_AT + 8 * index;
    (at + 4, at)
}

fn verdict(verdict: Verdict) -> Instruction {
    plain(RETURN, number_of(verdict))
}

/// `SECCOMP_RET_…` of the kernel.
pub(super) fn number_of(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::KillProcess => 0x8000_0000,
        Verdict::KillThread => 0x0000_0000,
        Verdict::Trap => 0x0003_0000,
        Verdict::Errno(number) => 0x0005_0000 | u32::from(number),
        Verdict::Trace(number) => 0x7ff0_0000 | u32::from(number),
        Verdict::Log => 0x7ffc_0000,
        Verdict::Allow => 0x7fff_0000,
    }
}

fn jump_over(program: &[Instruction]) -> Instruction {
    let value = u32::try_from(program.len()).expect("a program is at most a few thousand long");
    plain(JUMP, value)
}

const fn plain(code: u16, value: u32) -> Instruction {
    Instruction {
        code,
        yes: 0,
        no: 0,
        value,
    }
}

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod tests;
