import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayAllowAlways } from "../../../src/core/exec/always.ts";

/** Forms in which a command runs another command, one each, as JSON of the arguments. */
const WRAPPERS: readonly (readonly string[])[] = `
sh -c id|/bin/sh -c id|bash -c id|bash -lc id|/usr/bin/bash script.sh|dash -c id|zsh -c id|ksh -c id
fish -c id|busybox sh -c id|busybox id|toybox sh|csh -c id|tcsh -c id|ash -c id|rbash -c id|pwsh -c id
env id|env -i id|env -S "id"|/usr/bin/env sh -c id|env FOO=bar id|xargs id|xargs -I{} sh -c {}
xargs -a list id|parallel id|find . -exec id ;|find . -execdir id +|find . -ok id ;|find . -delete
find / -okdir id ;|fd -x id|fdfind --exec id|sudo id|sudo -u root id|su -c id|su root|doas id|pkexec id
runuser -u root -- id|setpriv --reuid 0 id|chroot / id|unshare -r id|nsenter -t 1 id|bwrap --bind / / id
systemd-run id|systemctl start x|nice id|nice -n 5 id|ionice id|chrt 1 id|taskset 1 id|nohup id
timeout 5 id|time id|/usr/bin/time id|stdbuf -o0 id|setsid id|script -c id|script -qc id /dev/null
expect -c "spawn id"|flock x id|watch id|entr id|strace id|ltrace id|gdb -ex run id|perf record id
ld-linux-x86-64.so.2 /bin/id|/lib64/ld-linux-x86-64.so.2 /bin/sh|/lib/ld-musl-x86_64.so.1 id|ld.so id
start-stop-daemon --exec id|run-parts x|crontab x|at now|batch|screen -d -m id|tmux new id
ssh host id|ssh -o ProxyCommand=id host|scp -S id a b|sftp -S id a|rsync -e id a b|rsync --rsh=id a b
git -c alias.x=!id x|git --exec-path=. x|git -c core.pager=id log|git clone ext::id|git status
tar cf x --checkpoint=1 --checkpoint-action=exec=id .|tar -I id -xf x|tar --to-command=id -xf x
tar --use-compress-program=id -xf x|zip -T -TT id a b|7z x a|cpio -H x|awk BEGIN{system("id")}
gawk -f x|mawk x|sed 1e|sed -n 1e/usr/bin/id x|perl -e system("id")|perl x.pl|python -c pass
python3 -c pass|python3.12 x.py|/usr/bin/python3.11 -m http.server|pypy3 -c x|ruby -e x|node -e x
nodejs x.js|deno eval x|deno run x|bun x|php -r x|lua -e x|luajit x|tclsh x|Rscript -e x|julia -e x
java -jar x.jar|jshell x|ghci x|go run x|cargo run|make|make -f x|gmake x|cmake -P x|ninja|npm run x
npx x|yarn x|pnpm x|pip install x|pipx run x|uv run x|gem install x|apt-get install x|dpkg -i x
docker run x|docker exec x id|podman run x|kubectl exec x -- id|vim -c !id|vi x|nvim --headless x|ed
emacs --batch --eval x|less x|man -P id ls|more x|nc -e /bin/sh h 1|ncat --exec id h|socat - EXEC:id
openssl engine x|psql -c x|mysql -e x|sqlite3 x .shell|sort --compress-program=id x|split --filter=id x
rg --pre id x|gcc -wrapper id x|g++ -B. x|curl -o x h|wget --use-askpass=id h|tee x|dd of=x|cp a b
mv a b|ln -s a b|chmod +x x|install a b|kill 1|mail -s x|ls;id|ls "$(id)"|mytool --shell sh
mytool -- bash -c id|mytool LD_PRELOAD=x|mytool --exec=id|mytool --eval x|x86_64-linux-gnu-gcc x
ip netns exec a id|ssh-agent id|capsh -- x|run0 id|dbus-run-session id|systemd-inhibit id
logrotate -f x|valgrind id|xterm -e id|tcpdump -z id -i lo|nmap --script x|m4 x|bc x|jq x|gs -c x
`.trim().split(/[\n|]/).filter((line) => line.trim() !== "").map((line) => line.trim().split(" "));

const place = (program = "") => ({
  path: program.startsWith("/") ? program : `/usr/bin/${program}`,
  isInWorkspace: false,
});

describe("[SEC-R21] mayAllowAlways()", () => {
  it("has at least 120 forms of wrappers to refuse", () => {
    assert.ok(WRAPPERS.length >= 120, `${WRAPPERS.length}`);
  });

  for (const argv of WRAPPERS) {
    it(`refuses ${argv.join(" ")}`, () => {
      assert.equal(mayAllowAlways(argv, place(argv[0])), false);
    });
  }

  it("refuses a shell under another name, by its real path", () => {
    assert.equal(mayAllowAlways(["tidy"], { path: "/usr/bin/dash", isInWorkspace: false }), false);
    const alternative = { path: "/usr/bin/vim.basic", isInWorkspace: false };
    assert.equal(mayAllowAlways(["edit"], alternative), false);
    const link = { path: "/usr/bin/edit", realPath: "/usr/bin/vim.basic", isInWorkspace: false };
    assert.equal(mayAllowAlways(["edit"], link), false);
  });

  it("refuses a program that the agent could change", () => {
    const own = { path: "/work/tool", isInWorkspace: true };
    assert.equal(mayAllowAlways(["./tool"], own), false);
  });

  const plain: readonly (readonly string[])[] = [
    ["ls"],
    ["ls", "-la", "/srv"],
    ["df", "-h"],
    ["uptime"],
    ["date", "+%F"],
    ["/usr/local/bin/backup", "--daily"],
    ["cat", "notes.txt"],
    ["sha256sum", "a.bin"],
    ["wc", "-l", "a.txt"],
  ];
  for (const argv of plain) {
    it(`permits ${argv.join(" ")}`, () => {
      assert.equal(mayAllowAlways(argv, place(argv[0])), true);
    });
  }
});
