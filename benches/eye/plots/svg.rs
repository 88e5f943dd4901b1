//! A drawing: texts, lines and shapes at places, in a few colours by name.

use std::fmt::Write;

/// A colour by what it is for; the style says which that is on a light and on a dark background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// The Eye.
    Blue,
    /// The Eye, where there are two of it, or what is missed.
    Orange,
    /// What it is compared with.
    Grey,
}

/// Where a text is from its place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing that grows.
#[derive(Debug)]
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

const STYLE: &str = "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2937}\
.title{font-size:17px;font-weight:600}.muted{fill:#6b7280}.small{font-size:12px}.strong{font-weight:600}\
.halo{paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}.back{fill:#fff}.grid{stroke:#e5e7eb;stroke-width:1}.axis{stroke:#9ca3af;stroke-width:1}\
.limit{stroke:#6b7280;stroke-width:1.5;stroke-dasharray:5 4}\
.curve{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}\
.s-blue{stroke:#2563eb}.s-orange{stroke:#d97706}.s-grey{stroke:#9ca3af}\
.f-blue{fill:#2563eb}.f-orange{fill:#d97706}.f-grey{fill:#9ca3af}\
text.f-grey{fill:#6b7280}\
@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.muted,text.f-grey{fill:#9ca3af}.back{fill:#0d1117}.halo{stroke:#0d1117}.grid{stroke:#1f2937}\
.axis{stroke:#4b5563}.limit{stroke:#9ca3af}.s-blue{stroke:#60a5fa}.f-blue{fill:#60a5fa}.s-orange{stroke:#fbbf24}\
.f-orange{fill:#fbbf24}.s-grey{stroke:#6b7280}.f-grey{fill:#6b7280}}";

impl Svg {
    /// An empty one with its title.
    pub(super) fn new(width: f64, height: f64, title: &str, subtitle: &str) -> Self {
        let mut svg = Self { body: String::new(), width, height };
        svg.text((20.0, 30.0), Anchor::Start, "title", title);
        svg.text((20.0, 50.0), Anchor::Start, "muted", subtitle);
        svg
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(self.body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#)
            .unwrap();
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        writeln!(self.body, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#).unwrap();
    }

    pub(super) fn curve(&mut self, points: &[(f64, f64)], colour: Colour) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (points, class) = (points.join(" "), colour.stroke());
        writeln!(self.body, r#"<polyline points="{points}" class="curve {class}"/>"#).unwrap();
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: Colour) {
        let class = colour.fill();
        writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" class="{class}"/>"#).unwrap();
    }

    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: Colour) {
        let class = colour.fill();
        writeln!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2" class="{class}"/>"#
        )
        .unwrap();
    }

    /// The file.
    pub(super) fn end(self) -> String {
        let Self { body, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
             <style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" class=\"back\"/>\n{body}</svg>\n"
        )
    }
}

impl Colour {
    pub(super) fn stroke(self) -> &'static str {
        match self {
            Self::Blue => "s-blue",
            Self::Orange => "s-orange",
            Self::Grey => "s-grey",
        }
    }

    pub(super) fn fill(self) -> &'static str {
        match self {
            Self::Blue => "f-blue",
            Self::Orange => "f-orange",
            Self::Grey => "f-grey",
        }
    }
}
