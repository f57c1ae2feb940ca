//! Escapes and classes: the backslash and the bracket.

use super::limits::Part;
use super::{Parser, Refusal};

impl Parser<'_> {
    pub(super) fn backslash(&mut self) -> Result<(), Refusal> {
        match self.rest.as_bytes().get(1) {
            Some(b'A' | b'b' | b'B' | b'z') => self.skip(2),
            Some(b'C') => return Err(Refusal::Escape),
            Some(b'Q') => {
                self.skip(2);
                let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                literal.chars().for_each(|_| self.push(Part::ONE));
                self.rest = rest;
                return Ok(());
            }
            _ if self.unicode_class()? || self.perl_class() => {}
            _ => {
                self.escape()?;
            }
        }
        self.push(Part::ONE);
        Ok(())
    }

    /// `\d` and its kin.
    fn perl_class(&mut self) -> bool {
        let found = matches!(self.rest.as_bytes(), [b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W', ..]);
        if found {
            self.skip(2);
        }
        found
    }

    /// `\pL`, `\p{Greek}`, `\P{^Greek}`.
    fn unicode_class(&mut self) -> Result<bool, Refusal> {
        let Some(after) = self.rest.strip_prefix("\\p").or_else(|| self.rest.strip_prefix("\\P")) else {
            return Ok(false);
        };
        let mut letters = after.chars();
        let first = letters.next().ok_or(Refusal::CharRange)?;
        let (name, rest) = if first == '{' {
            after[1..].split_once('}').ok_or(Refusal::CharRange)?
        } else {
            after.split_at(first.len_utf8())
        };
        let name = name.strip_prefix('^').unwrap_or(name);
        if !is_known(name) {
            return Err(Refusal::CharRange);
        }
        self.rest = rest;
        Ok(true)
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        self.skip(1);
        let letter = self.next().ok_or(Refusal::TrailingBackslash)?;
        let is_octal = |byte: Option<&u8>| byte.is_some_and(|byte| (b'0'..=b'7').contains(byte));
        match letter {
            '1'..='7' if !is_octal(self.rest.as_bytes().first()) => Err(Refusal::Escape),
            '0'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|byte| is_octal(Some(byte))).count();
                let digits = self.rest.bytes().take(more).map(|byte| u32::from(byte - b'0'));
                let value = digits.fold(u32::from(letter) - u32::from('0'), |value, digit| value * 8 + digit);
                self.skip(more);
                Ok(char::from_u32(value).unwrap_or_default())
            }
            'x' => self.hexadecimal(),
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
            _ => Err(Refusal::Escape),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, Refusal> {
        let (digits, rest) = match self.rest.strip_prefix('{') {
            Some(inside) => inside.split_once('}').ok_or(Refusal::Escape)?,
            None => self.rest.split_at_checked(2).ok_or(Refusal::Escape)?,
        };
        let mut value = 0;
        for digit in digits.chars() {
            value = value * 16 + digit.to_digit(16).ok_or(Refusal::Escape)?;
            if value > u32::from(char::MAX) {
                return Err(Refusal::Escape);
            }
        }
        if digits.is_empty() {
            return Err(Refusal::Escape);
        }
        self.rest = rest;
        // Go takes the halves of UTF-16 too; for the order in a range the character below them will do.
        Ok(char::from_u32(value).unwrap_or('\u{d7ff}'))
    }

    pub(super) fn class(&mut self) -> Result<(), Refusal> {
        self.skip(1);
        if self.rest.starts_with('^') {
            self.skip(1);
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.named_class()? || self.unicode_class()? || self.perl_class() {
                continue;
            }
            let low = self.class_letter()?;
            let is_range = self.rest.starts_with('-') && self.rest.len() >= 2 && !self.rest.starts_with("-]");
            if is_range {
                self.skip(1);
                if self.class_letter()? < low {
                    return Err(Refusal::CharRange);
                }
            }
        }
        self.skip(1);
        Ok(())
    }

    fn class_letter(&mut self) -> Result<char, Refusal> {
        if self.rest.starts_with('\\') { self.escape() } else { self.next().ok_or(Refusal::MissingBracket) }
    }

    /// `[:alnum:]`; what has no end is no such name but a bracket and a colon.
    fn named_class(&mut self) -> Result<bool, Refusal> {
        let Some(inside) = self.rest.strip_prefix("[:") else { return Ok(false) };
        let Some((name, rest)) = inside.split_once(":]") else { return Ok(false) };
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(Refusal::CharRange);
        }
        self.rest = rest;
        Ok(true)
    }
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Whether Go has a category or script of Unicode by that name.
fn is_known(name: &str) -> bool {
    let listed = |list: &str, name: &str| list.split_whitespace().any(|known| known == name);
    // Go 1.25 and later ignore case and separators, and know long names of categories.
    let fold = |name: &str| name.replace(['_', '-', ' '], "").to_ascii_lowercase();
    let folded = |list: &str| list.split_whitespace().any(|known| fold(known) == fold(name));
    !name.is_empty()
        && (name == "Any" || listed(CATEGORIES, name) || folded(SCRIPTS) || folded(CATEGORIES) || folded(ALIASES))
}

const CATEGORIES: &str = "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk \
     Sm So Z Zl Zp Zs";

const ALIASES: &str = "Any Assigned ASCII Cased_Letter Close_Punctuation Combining_Mark Connector_Punctuation \
     Control Currency_Symbol Dash_Punctuation Decimal_Number Enclosing_Mark Final_Punctuation Format \
     Initial_Punctuation Letter Letter_Number Line_Separator Lowercase_Letter Mark Math_Symbol Modifier_Letter \
     Modifier_Symbol Nonspacing_Mark Number Open_Punctuation Other Other_Letter Other_Number Other_Punctuation \
     Other_Symbol Paragraph_Separator Private_Use Punctuation Separator Space_Separator Spacing_Mark Surrogate \
     Symbol Titlecase_Letter Unassigned Uppercase_Letter cntrl digit punct";

const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali \
     Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian \
     Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret \
     Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian \
     Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo \
     Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian \
     Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki \
     Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam \
     Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive \
     Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari \
     New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic \
     Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya \
     Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic \
     Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo \
     Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut \
     Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi \
     Zanabazar_Square";
