#!/usr/bin/env bash
# Makes the two fonts in crates/notebook/assets from the Debian package fonts-inter (Inter 4.0 beta 7, SIL Open Font License 1.1):
# only Latin, Greek and the mathematical characters that figures use, no hints, no layout tables.
# Needs apt-get, dpkg-deb and fonttools (pip install fonttools==4.68.0).
set -euo pipefail
assets=$(cd "$(dirname "$0")/../../crates/notebook/assets" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
apt-get download fonts-inter >/dev/null
dpkg-deb -x fonts-inter_*.deb .
for weight in Regular SemiBold; do
  pyftsubset "usr/share/fonts/opentype/inter/Inter-$weight.otf" --output-file="$assets/Inter-$weight.otf" \
    --unicodes=U+0020-007E,U+00A0-017F,U+0391-03C9,U+2010-2026,U+2032,U+2039-203A,U+2070-208E,U+2190-2193,U+2202,U+2206,U+2207,U+220F,U+2211,U+2212,U+221A,U+221E,U+222B,U+2248,U+2260,U+2264,U+2265 \
    --layout-features='' --no-hinting --desubroutinize --drop-tables+=GPOS,GSUB,GDEF,DSIG,meta --name-IDs=0,1,2,13,14
done
ls -l "$assets"/Inter-*.otf
