/**
 * Commands on the host, and the rules by which they may run (A1, A2).
 *
 * A rule that allows for good a command that runs other commands would allow those, too. So Barnacle
 * refuses such a rule if the program can run others, if an argument names a program or such an option,
 * or if one looks like a script. A refused command can still be allowed once.
 */

/** The config key `exec.mode`. */
export type ExecMode = "deny" | "allowlist" | "ask" | "full";

/** A command as the model asks for it. */
export interface CommandRequest {
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
}

export interface ResolvedCommand {
  /** The program as written, and its arguments. */
  readonly argv: readonly string[];
  /**
   * Path that starts the program: its real path, unless a link gives it another name. Some programs
   * do other things by another name, as `pkill` is a link to `pgrep`.
   */
  readonly path: string;
  readonly realPath: string;
  /** SHA-256 of the program's content, in hex. */
  readonly contentHash: string;
  /** Absolute path of the folder that it runs in. */
  readonly cwd: string;
  /** SHA-256 over the paths and contents of the files that arguments name, in hex. */
  readonly filesHash: string;
  /** SHA-256 over everything that an approval binds, in hex (SEC-R20). */
  readonly binding: string;
  /** Whether the program is a file that the agent could change. */
  readonly isInWorkspace: boolean;
  /** Whether an argument names a program of the host, which this one may start. */
  readonly namesProgram: boolean;
}

export interface ExecRule {
  /** Path that starts the program, as {@link ResolvedCommand.path}. */
  readonly path: string;
  /** SHA-256 of the program's content; absent: a rule of the operator, which takes all contents. */
  readonly contentHash?: string;
  /** Folder that the command runs in; absent: all folders of the workspace. */
  readonly cwd?: string;
  /** As {@link ResolvedCommand.filesHash}; absent: all files. */
  readonly filesHash?: string;
  /** Exact arguments after the program; a last `"*"` of the operator stands for all further ones. */
  readonly args: readonly string[];
  /** Whether a last `"*"` stands for all further arguments. */
  readonly isPattern: boolean;
}

export function ruleAllows(
  { path, contentHash, cwd, filesHash, args, isPattern }: ExecRule,
  command: ResolvedCommand,
): boolean {
  if (path !== command.path) return false;
  if (contentHash !== undefined && contentHash !== command.contentHash) return false;
  if (cwd !== undefined && cwd !== command.cwd) return false;
  if (filesHash !== undefined && filesHash !== command.filesHash) return false;
  return matchesArguments({ args, isPattern }, command.argv.slice(1));
}

function matchesArguments(
  { args, isPattern }: Pick<ExecRule, "args" | "isPattern">,
  given: readonly string[],
): boolean {
  const isOpen = isPattern && args.at(-1) === "*";
  const fixed = isOpen ? args.slice(0, -1) : args;
  if (isOpen ? given.length < fixed.length : given.length !== fixed.length) return false;
  return fixed.every((arg, index) => arg === given[index]);
}

export function decideExec(
  mode: ExecMode,
  rules: readonly ExecRule[],
  command: ResolvedCommand,
): "run" | "ask" | "deny" {
  switch (mode) {
    case "deny":
      return "deny";
    case "full":
      return "run";
    case "allowlist":
    case "ask":
      if (rules.some((rule) => ruleAllows(rule, command))) return "run";
      return mode === "ask" ? "ask" : "deny";
  }
}

/** Maximum milliseconds of a command that a turn waits for, with its wait for a place (SEC-R22). */
export const MAX_COMMAND_MS = 110_000;

/** Maximum number of processes of a command. */
export const MAX_PROCESSES = 64;

/** Why a program was ended. */
export type RunCut = "time" | "output" | "stopped" | "memory" | "disk" | "processes";

export interface RunEnd {
  /** Its exit code; `null` if a signal ended it. */
  readonly code: number | null;
  /** The reason if Barnacle ended it, or the kernel by one of Barnacle's limits. */
  readonly cut?: RunCut;
  /** Milliseconds that it ran. */
  readonly ms: number;
}

export interface EndedCommand {
  /** Its output, without its middle if it is long. */
  readonly output: string;
  readonly end: RunEnd;
}

/** Programs that run other programs or scripts, or that change what runs later. */
const RUNNERS: ReadonlySet<string> = new Set(
  `sh bash dash ash zsh ksh mksh csh tcsh fish rbash pwsh powershell cmd busybox toybox
   env xargs parallel find fd fdfind sudo su doas pkexec runuser setpriv sg newgrp chroot unshare
   nsenter bwrap firejail proot fakeroot systemd-run systemctl systemd-nspawn machinectl nice ionice
   chrt taskset nohup timeout time stdbuf setsid unbuffer script expect flock watch entr strace ltrace
   gdb lldb valgrind perf prlimit numactl setarch linux32 linux64 i386 x86_64 catchsegv ld ldd ld.so
   ld-linux start-stop-daemon run-parts daemonize at batch cron crontab screen tmux byobu dtach
   ssh scp sftp sshpass mosh autossh rsync rclone git hg svn tar bsdtar cpio zip unzip 7z rar ar
   awk gawk mawk nawk sed perl python pypy ruby node nodejs deno bun php lua luajit tclsh wish guile
   racket sbcl clisp emacs emacsclient vi vim nvim view ex ed nano pico joe less more most man info
   java jshell kotlin scala groovy dotnet mono R Rscript julia octave matlab ghci runghc erl elixir iex
   go cargo rustc gcc cc clang g++ c++ make gmake cmake ninja meson just task rake ant mvn gradle bazel
   npm npx yarn pnpm corepack pip pipx uv uvx poetry gem bundle composer apt apt-get aptitude dpkg
   rpm dnf yum zypper pacman apk brew snap flatpak nix nix-shell nix-env guix
   docker podman nerdctl buildah kubectl helm lxc lxc-attach virsh qemu vagrant ansible terraform
   nc ncat netcat socat telnet openssl gpg curl wget aria2c ftp lftp tftp
   psql mysql mariadb sqlite sqlite3 mongo mongosh redis-cli bc dc m4 jq yq xmllint gs tex latex pdflatex
   xelatex lualatex ffmpeg convert magick mogrify gnuplot sort split install tee dd cp mv ln rm chmod
   chown mount umount insmod modprobe kexec sysctl reboot shutdown init telinit kill pkill killall
   dbus-send gdbus busctl xdg-open open xterm gnome-terminal konsole xvfb-run wine tclsh logrotate
   mail sendmail mutt nmap tcpdump tshark rlwrap script scriptreplay choom hyperfine ts sponge vidir
   ip ssh-agent aa-exec capsh cpulimit logsave softlimit multitime torify torsocks proxychains run0 grc
   setlock chpst dbus-run-session dbus-launch systemd-inhibit systemd-cat eatmydata nocache uname26
   cgexec flatpak-spawn fakechroot faketime run-mailcap service puppet restic groff latexmk
   envdir sem sql chronic ifne pee zrun lckdo mispipe combine vipe sudoedit visudo sux gosu su-exec
   setuidgid s6-setuidgid s6-svc runsv sv svc supervise supervisorctl monit god daemon tini dumb-init
   catatonit please sudo-rs schroot jchroot cpuset cset schedtool cgclassify lockrun solo withlock
   with-lock-ex dotlockfile abduco dvtm zellij wezterm kitty foot tmate ttyd gotty asciinema pexpect
   empty inetd xinetd tcpserver websocketd stunnel tsocks graftcp bubblewrap nsjail minijail0 runcon
   newrole lxc-execute crun runc ctr crictl buildctl distrobox toolbox multipass limactl wsl adb
   salt salt-call chef-client cf-agent pulumi tofu packer helmfile oc dbclient dropbear rlogin slogin et
   sshfs tig lazygit jj fossil bzr darcs cvs gh hub glab mr repo pax unrar unar dtrx atool star
   micro helix hx kak mg zile jed ne mcedit mc ranger lf nnn vifm sensible-editor select-editor
   editor pager sensible-pager bat batcat delta moar w3m lynx links elinks ipython bpython
   jupyter micropython pyenv pydoc pytest tox nox conda mamba pdm hatch rye virtualenv bunx pnpx
   npm-run-all tsx ts-node esbuild vite webpack gulp grunt nodemon forever pm2 concurrently volta nvm fnm
   asdf mise electron qjs d8 jsc rhino bmake remake scons waf b2 bjam samurai samu buck pants earthly
   dagger invoke inv fab doit mage redo tup xmake premake autoconf autoreconf configure libtool ccache
   distcc sccache icecc bear scan-build tcc rustup swift zig nim crystal dart flutter rdmd ocaml utop
   stack cabal runhaskell lein clj clojure bb sbt amm jbang jrunscript jjs box64 fex rosetta
   systemd-socket-activate systemd-firstboot systemd-tmpfiles loginctl coredumpctl gapplication
   gtk-launch dex i3-msg swaymsg hyprctl xdotool ydotool xautolock xss-lock swayidle irb erb jruby
   rbenv rvm foreman overmind honcho dotenv direnv chamber aws-vault op doppler sops vault pass
   gpg-connect-agent ssh-add ssh-copy-id ssh-keygen certbot lego dhclient dhcpcd udhcpc wpa_cli pppd
   openvpn wg-quick ifup ifdown nmcli iptables ip6tables tc bpftrace stap sysdig rr heaptrack memusage
   sotruss pldd uftrace apropos mandb troff nroff pandoc tectonic texlua mpost mf inkscape gimp soffice
   libreoffice blender mplayer mpv vlc yt-dlp youtube-dl borg duplicity rdiff-backup unison lsyncd
   incrontab fswatch inotifywait watchexec watchman reflex anacron fcron initctl launchctl
   rc-service update-alternatives debconf dpkg-reconfigure debootstrap aptdcon pkcon alien emerge
   port xbps-install setcap setfacl chattr truncate shred mknod patch crudini augtool neomutt procmail
   maildrop fetchmail getmail msmtp atrm uuencode shar makeself unshar kmod depmod php-fpm php-cgi
   uwsgi gunicorn uvicorn celery flask django-admin rails mysqldump pgbench duckdb redis-server
   scriptlive goawk ssed nft kustomize binfmt gnatmake equery skopeo mu sox dot plantuml
   apache2 httpd lighttpd nginx caddy aws gcloud az heroku flyctl renice gtime rush bfs elvish nu oil
   osh es rc sash xonsh rsh as strip rake tsc`
    .split(/\s+/),
);

/** Usual small programs, which a wrapper may get as its command. */
const COMMANDS: ReadonlySet<string> = new Set(
  `id whoami uname hostname ls cat head tail cut tr grep egrep fgrep wc touch mkdir rmdir echo printf
   printenv pwd ps top date sleep true false yes seq stat file which uptime df du free last w who
   ping dig host nslookup ifconfig netstat ss lsof base64 xxd od strings md5sum sha256sum`
    .split(/\s+/),
);

/** Options by which programs run others; the value may follow after `=`. */
const RUNNING_OPTION =
  /^--?(?!-?no-)(?:[\w-]*(?:exec|command|cmd|script|hook|shell|program|pager|editor|plugin|preload|filter|askpass|proxy|handler|wrapper|interpreter|spawn|callback|trigger|rsh|rcfile|loader|module|schema|modprobe)[\w-]*|pre|ok|okdir|eval|init-file|config-env|upload-pack|receive-pack|rsync-path|preprocessor|postprocess|load|require|import|run|call|up|down|mda|on-[\w-]+)(?:=|$)/i;

/** A setting that names a program, as `ssh -o` and `git -c` take it. */
const RUNNING_SETTING =
  /(?:^|[\s:.])(?:ProxyCommand|LocalCommand|PermitLocalCommand|KnownHostsCommand|sshCommand|core\.\w+|alias\.\w+|diff\.\w+|pager\.\w+|credential\.\w+|filter\.\w+|protocol\.ext\S*|LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|BASH_ENV|ENV|PYTHON\w+|PERL5\w+|NODE_OPTIONS|RUBYOPT|GIT_\w+|PAGER|EDITOR|VISUAL|IFS|PATH)\s*=/i;

/** Characters that mean something to a shell or in a script. */
const SHELL_SYNTAX = /[;&|`$<>(){}!\n\r\0\\]|\s--?c(?:\s|$)/;

/** Short options with which interpreters and wrappers take code. */
const CODE_OPTION = /^-(?:[a-z]*[ce]|x|i|I|o|F|T+)$/;

/** The name of a program without folder and version: `/usr/bin/python3.12` is `python`. */
function nameOf(program: string): string {
  const base = program.slice(program.lastIndexOf("/") + 1);
  return base.replace(/\.(?:exe|basic|tiny|gtk3|nox|original|distrib|bin|real|static)$/i, "")
    .replace(/(?:-linux[\w-]*\.so|\.so)(?:\.\d+)*$/, ".so")
    .replace(/-?\d[\d.]*(?:-[\w-]*)?$/, "");
}

/** Parts of names that only programs with this purpose have. */
const RUNNING_NAME =
  /vim|emacs|python|perl|ruby|sudo|qemu|wine|mono-|pwsh|powershell|proxychains|term$/;

function isRunner(program: string): boolean {
  const name = nameOf(program);
  const plain = name.toLowerCase();
  const base = program.slice(program.lastIndexOf("/") + 1);
  const parts = [base.slice(base.lastIndexOf("-") + 1), plain.replace(/[-_].*$/, "")];
  return RUNNERS.has(base) || RUNNERS.has(name) || RUNNERS.has(plain) ||
    plain.startsWith("ld") && plain.endsWith(".so") ||
    plain.endsWith("sh") || parts.some((part) => RUNNERS.has(part)) ||
    plain.startsWith("g") && RUNNERS.has(plain.slice(1)) || RUNNING_NAME.test(plain);
}

/**
 * Whether it is the plain name or path of a program. A quote or a wildcard is a mistake of the model,
 * and `/proc` and `/dev` have other programs by the same name.
 */
function isPlain(program: string): boolean {
  return /^[\w./+-]*[A-Za-z0-9][\w.+-]*$/.test(program) && !/^\/(?:proc|dev|run)\//.test(program);
}

/** Whether an argument is a command for another program: a program's name, or the mark before it. */
function isCommand(arg: string): boolean {
  if (arg.startsWith("-")) return arg === "--"; // an option; `du -sh` names no shell
  return isRunner(arg) || COMMANDS.has(arg.slice(arg.lastIndexOf("/") + 1));
}

/**
 * Whether a person may allow a command for good.
 *
 * @param argv The command as written.
 * @param place Paths of its program; `realPath` absent: the same.
 */
export function mayAllowAlways(
  argv: readonly string[],
  { path, realPath = path, isInWorkspace, namesProgram = false }: {
    readonly path: string;
    readonly realPath?: string;
    readonly isInWorkspace: boolean;
    /** Whether an argument was found to be a program of the host; absent: no one has looked. */
    readonly namesProgram?: boolean;
  },
): boolean {
  const [program = "", ...args] = argv;
  if (isInWorkspace || namesProgram || [program, path, realPath].some(isRunner)) return false;
  if (!isPlain(program)) return false;
  return args.every((arg) =>
    !isCommand(arg) && !isCommand(arg.slice(arg.indexOf("=") + 1)) && !RUNNING_OPTION.test(arg) &&
    !RUNNING_SETTING.test(arg) && !SHELL_SYNTAX.test(arg) && !CODE_OPTION.test(arg) &&
    !/^[A-Za-z_]\w*=/.test(arg)
  );
}
