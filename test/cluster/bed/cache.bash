# Where binaries and images are kept: a folder for each state of the table `versions`. For bash, sourced.
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
table() { grep -v '^#' "$here/versions" | tr -s ' '; } # lines of BINARY GROUP VERSION MODULE PACKAGE
version_of() { table | awk -v name="$1" '$1 == name { print $3 }'; }
cache=${BERTH_CACHE:-$HOME/.cache/berth}/kube-$(version_of kubelet)-$(table | sha256sum | cut -c1-8)
bin=$cache/bin images=$cache/images
