#!/bin/sh
# Opens the sample pages in headless Chromium and tries everything out.
#
#	BUILD=build tests/browser/run.sh [node --test options]
#
# Needs $BUILD/browser/make_pages, /usr/bin/chromium (or CHROMIUM) and `npm ci` in this folder.
set -eu
build=$(realpath "${BUILD:-build}")
cd "$(dirname "$0")"
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$build/browser/make_pages" "$pages"
PAGES=$pages node --test "$@" flame.test.mjs heat.test.mjs timeline.test.mjs
