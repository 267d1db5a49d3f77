#!/bin/sh
# Builds libstdc++.so.6 for musl on x64, from Debian's own source of GCC: Debian packages none.
#
# The musl binary needs it, because its runtime does. Alpine has it as the package `libstdc++`; this
# one is for tests on Debian only, and no release contains it. It takes about three minutes.
#
#   apt-get install -y --no-install-recommends musl musl-dev musl-tools gcc-12-source g++ make xz-utils
#   scripts/release/trial/musl_library.sh /work/musl-lib        # writes /work/musl-lib/libstdc++.so.6
set -eu
[ $# = 1 ] || { echo "Name the folder for the library: musl_library.sh FOLDER" >&2; exit 2; }
source=$(ls /usr/src/gcc-12/gcc-*.tar.xz 2>/dev/null) ||
  { echo "No source of GCC: apt-get install gcc-12-source musl musl-dev musl-tools g++ make" >&2; exit 1; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
tar -xf "$source" --strip-components=1 --exclude='*/testsuite/[!M]*' --wildcards \
  'gcc-*/libstdc++-v3' 'gcc-*/libgcc' 'gcc-*/config*' 'gcc-*/lt*' 'gcc-*/libtool*' 'gcc-*/install-sh' \
  'gcc-*/missing' 'gcc-*/move-if-change' 'gcc-*/mkinstalldirs' 'gcc-*/include' 'gcc-*/depcomp' \
  'gcc-*/gcc/BASE-VER' 'gcc-*/gcc/DATESTAMP' 'gcc-*/libiberty'

# Headers of the kernel, which musl's folder lacks.
mkdir kernel
cp -r /usr/include/linux /usr/include/asm-generic /usr/include/x86_64-linux-gnu/asm kernel
sed "s|-isystem /usr/include/x86_64-linux-musl|& -isystem $work/kernel|" \
  /usr/lib/x86_64-linux-musl/musl-gcc.specs > specs
for language in gcc g++; do
  printf '#!/bin/sh\nexec %s "$@" -specs=%s/specs\n' "$language" "$work" > "musl-$language"
  chmod +x "musl-$language"
done

mkdir -p build/libgcc build/libstdc++-v3
ln -s "$work/libgcc/gthr-posix.h" build/libgcc/gthr-default.h
cd build/libstdc++-v3
"$work/libstdc++-v3/configure" --build=x86_64-linux-gnu --host=x86_64-linux-musl \
  CC="$work/musl-gcc" CXX="$work/musl-g++" CXXFLAGS='-O2 -D_GLIBCXX_GTHREAD_USE_WEAK=0' \
  --with-pic --disable-multilib --disable-nls --disable-libstdcxx-pch > configure.log 2>&1 ||
  { tail -20 configure.log >&2; exit 1; }
make > make.log 2>&1 || { tail -20 make.log >&2; exit 1; }

# Debian's unwinder asks glibc for the frame table of an address. With musl, this answers.
cat > "$work/find_object.c" <<'C'
#define _GNU_SOURCE
#include <link.h>
struct found { unsigned long long flags; void *start, *end; void *map; void *eh_frame; };
struct asked { ElfW(Addr) address; struct found *found; };
static int look(struct dl_phdr_info *info, size_t size, void *data) {
  struct asked *asked = data;
  void *frames = 0;
  int is_it = 0;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    ElfW(Addr) at = info->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_GNU_EH_FRAME) frames = (void *)at;
    if (part->p_type == PT_LOAD && asked->address - at < part->p_memsz) is_it = 1;
  }
  if (!is_it || !frames) return 0;
  asked->found->eh_frame = frames;
  return 1;
}
__attribute__((visibility("hidden"))) int _dl_find_object(void *address, struct found *found) {
  struct asked asked = { (ElfW(Addr))address, found };
  return dl_iterate_phdr(look, &asked) ? 0 : -1;
}
C
"$work/musl-gcc" -shared -o "$out/libstdc++.so.6" -Wl,-soname,libstdc++.so.6 -Wl,-z,defs \
  -x c -fPIC "$work/find_object.c" -x none \
  -Wl,--whole-archive src/.libs/libstdc++.a -Wl,--no-whole-archive
ls -l "$out/libstdc++.so.6"
