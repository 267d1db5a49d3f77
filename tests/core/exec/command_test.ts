import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decideExec,
  type ExecRule,
  mayAllowAlways,
  type ResolvedCommand,
} from "../../../src/core/exec/command.ts";

const COMMAND: ResolvedCommand = {
  argv: ["backup", "--daily"],
  path: "/usr/local/bin/backup",
  realPath: "/usr/local/bin/backup",
  contentHash: "aa",
  cwd: "/work",
  filesHash: "dd",
  binding: "bb",
  isInWorkspace: false,
  namesProgram: false,
};

const RULE: ExecRule = { path: COMMAND.path, args: ["--daily"], isPattern: false };

describe("[A1] decideExec()", () => {
  const cases = [
    ["deny", [RULE], "deny"],
    ["allowlist", [RULE], "run"],
    ["allowlist", [], "deny"],
    ["ask", [RULE], "run"],
    ["ask", [], "ask"],
    ["full", [], "run"],
  ] as const;
  for (const [mode, rules, expected] of cases) {
    it(`${mode}, with ${rules.length} rules › ${expected}`, () => {
      assert.equal(decideExec(mode, rules, COMMAND), expected);
    });
  }

  const others: readonly [string, Partial<ExecRule>, "run" | "ask"][] = [
    ["another program", { path: "/usr/bin/backup" }, "ask"],
    ["another content", { contentHash: "cc" }, "ask"],
    ["the same content", { contentHash: "aa" }, "run"],
    ["another folder", { cwd: "/work/sub" }, "ask"],
    ["the same folder", { cwd: "/work" }, "run"],
    ["other contents of files", { filesHash: "ee" }, "ask"],
    ["the same contents of files", { filesHash: "dd" }, "run"],
    ["fewer arguments", { args: [] }, "ask"],
    ["more arguments", { args: ["--daily", "--force"] }, "ask"],
    ["other arguments", { args: ["--weekly"] }, "ask"],
    ["any arguments", { args: ["*"], isPattern: true }, "run"],
    ["further arguments", { args: ["--daily", "*"], isPattern: true }, "run"],
    ["a star that a person allowed", { args: ["*"] }, "ask"],
  ];
  for (const [title, fields, expected] of others) {
    it(`[A2] a rule with ${title} › ${expected}`, () => {
      assert.equal(decideExec("ask", [{ ...RULE, ...fields }], COMMAND), expected);
    });
  }
});

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

/** A second set: other wrappers, other spellings, and unusual quoting. */
const MORE: readonly (readonly string[])[] = `
env -S "id -u"|env --split-string=id|env -u PATH id|envdir d id|busybox env id|busybox.static id
yash -c id|posh -c id|elvish -c id|nu -c id|xonsh -c id|osh -c id|rc -c id|gxargs id|xargs -0 id|rush id
gfind . -exec id ;|find . -fprintf /x %p -exec id ;|bfs . -exec id ;|fdfind -X id|nice -n19 id|gtimeout 5 id
timeout --signal=KILL 5 id|script -q -c id /dev/null|dbclient h id|slogin h id|ssh -oProxyCommand=id h
git -c core.pager=id log|git -c core.sshCommand=id fetch|tig log|gh alias set x !id|hub x|jj log
gtar -I id -xf x|tar --checkpoint=1 --checkpoint-action=exec=id|original-awk x|goawk x|gsed 1e x|ssed 1e x
vimdiff a b|rvim -c x|vimtutor|emacs-nox x|kak x|nnn|batcat x|sensible-pager x|lynx x|w3m x
perl5.36-x86_64-linux-gnu x|python -m http.server|ipython3 -c x|pyenv exec id|pytest|tox|conda run id
npx cowsay|bunx x|tsx x|gulp|nodemon x|pm2 start x|mise exec id|make SHELL=/bin/x|bmake x|scons|samu
libtool --mode=execute id|ccache id|distcc id|scan-build id|bear -- id|rustup run x id|swift x|zig run x
/lib64/ld-linux-x86-64.so.2 /bin/id|/lib/ld-linux-aarch64.so.1 id|qemu-aarch64-static id|box64 id|wine64 x
unshare -Ur id|systemd-run --user id|systemd-socket-activate -l 1 id|setsid -w id|stdbuf -oL id|watch -x id
parallel ::: id|sem id|chronic id|ifne id|zrun id|sudo -u nobody id|sudo-rs id|doas -u x id|gosu x id
su-exec x id|setuidgid x id|s6-setuidgid x id|tini -- id|dumb-init -- id|chroot / id|schroot -- id
flock -c id x|ionice -c3 id|taskset -c 0 id|schedtool -e id|cgexec -g x id|kitty id|foot id|urxvt -e id
x-terminal-emulator -e id|tmate|abduco id|ttyd id|websocketd id|tcpserver 0 1 id|proxychains4 id|torify id
nsjail -- id|minijail0 id|runcon x id|runc run x|crictl exec x id|distrobox enter x|adb shell id
salt-call cmd.run id|direnv exec . id|dotenv id|aws-vault exec x -- id|op run -- id|doppler run -- id
certbot renew --deploy-hook id|openvpn --up id|iptables --modprobe=id|restic --password-command id
yt-dlp --exec id|mpv --script=x|pandoc --filter x|watchexec id|reflex id|i3-msg exec id|gtk-launch x
mytool id|mytool /bin/id|mytool --run=id|mytool -- id|mytool --pre-hook=x|mytool --my-command x|mytool whoami
mytool --with-shell x|mytool --on-change x|"sh" -c|s''h -c|ba* -c|~/sh|/proc/self/exe -c|/dev/fd/3|/proc/9/fd/3
ＢＡＳＨ -c|ba\u200bsh -c|- -c|./bash -c|../../bin/sh|/usr/bin/env.original id|command id|./sudo id
`.trim().split(/[\n|]/).filter((line) => line.trim() !== "")
  .map((line) => line.trim().replace("\\u200b", "\u200b").split(" "));

const place = (program = "") => ({
  path: program.startsWith("/") ? program : `/usr/bin/${program}`,
  isInWorkspace: false,
});

describe("[SEC-R21] mayAllowAlways()", () => {
  it("has at least 120 forms of wrappers to refuse", () => {
    assert.ok(WRAPPERS.length >= 120, `${WRAPPERS.length}`);
  });

  it("has a second set of forms", () => assert.ok(MORE.length >= 120, `${MORE.length}`));

  it("refuses a program without a name, and one with an empty part", () => {
    for (const program of ["", " sh", "sh ", "sh\n", "sh\0"]) {
      assert.equal(mayAllowAlways([program], place("/usr/bin/x")), false, JSON.stringify(program));
    }
  });

  it("refuses a command in which an argument was found to be a program", () => {
    const found = { path: "/opt/mytool", isInWorkspace: false, namesProgram: true };
    assert.equal(mayAllowAlways(["mytool", "otherprogram"], found), false);
    assert.equal(
      mayAllowAlways(["mytool", "otherprogram"], { ...found, namesProgram: false }),
      true,
    );
  });

  for (const argv of [...WRAPPERS, ...MORE]) {
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
    ["journalctl", "-n", "20", "--no-pager"],
    ["free", "-m"],
    ["du", "-sh", "/srv"],
    ["dmesg"],
    ["ss", "-ltn"],
    ["tail", "-n", "50", "/var/log/syslog"],
    ["grep", "-n", "error", "app.log"],
    ["lsblk"],
    ["ps", "aux"],
    ["/opt/app/bin/report", "--month=2026-01", "--format", "csv"],
    ["base64", "-d", "a.txt"],
    ["stat", "a.txt"],
  ];
  for (const argv of plain) {
    it(`permits ${argv.join(" ")}`, () => {
      assert.equal(mayAllowAlways(argv, place(argv[0])), true);
    });
  }
});
