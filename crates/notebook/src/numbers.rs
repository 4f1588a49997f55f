//! Numbers as people read them.

use lab_core::text::thousands;

/// A number as it is read in a sentence, with four digits at most: `0.4816`, `12.35`, `40,000`, `3.2·10⁻⁷`.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value.is_nan() => "not a number".to_owned(),
        _ if value.is_infinite() => "infinite".to_owned(),
        0.0 => "0".to_owned(),
        _ if !(9.9995e-5..999_999.5).contains(&size) => scientific(value),
        _ => {
            let decimals = (3.0 - size.log10().floor()).clamp(0.0, 5.0);
            trimmed(&decimal(value, decimals as usize)).to_owned()
        }
    }
}

/// The number without zeros at the end of its decimals.
fn trimmed(number: &str) -> &str {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

/// A number with so many decimals: `−1,250.5`.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    let zero = text.chars().all(|c| "0.".contains(c));
    let sign = if value < 0.0 && !zero { "−" } else { "" };
    format!("{sign}{whole}{rest}")
}

/// `3.2·10⁻⁷`, or `10⁻⁷` alone.
pub(crate) fn scientific(value: f64) -> String {
    let text = format!("{value:.3e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = trimmed(mantissa).replace('-', "−");
    let raise = |c: char| c.to_digit(10).map_or('⁻', |digit| RAISED[digit as usize]);
    let raised = exponent.chars().map(raise);
    let power = format!("10{}", raised.collect::<String>());
    match &mantissa[..] {
        "1" => power,
        _ => format!("{mantissa}·{power}"),
    }
}

const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// The least and the greatest of the finite values; `None` where there is none.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |ends, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// `a, b, c and 4 more`: the first `most` of a list.
pub(crate) fn listed(parts: &[String], most: usize) -> String {
    let shown = parts[..parts.len().min(most)].join(", ");
    match parts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sentences_have_four_digits_and_no_needless_zeros() {
        let tiny = f64::from(1e-6f32);
        let numbers = [
            0.4816,
            1.4523,
            0.001,
            40_000.0,
            12.345,
            3.2e-7,
            1234.56,
            -0.5,
            f64::NAN,
            tiny,
            2.03e8,
        ];
        let texts = numbers.map(short);
        assert_eq!(
            texts,
            [
                "0.4816",
                "1.452",
                "0.001",
                "40,000",
                "12.35",
                "3.2·10⁻⁷",
                "1,235",
                "−0.5",
                "not a number",
                "10⁻⁶",
                "2.03·10⁸"
            ]
        );
    }
}
