/**
 * Decides which commands a person may allow for good (A2, SEC-R21).
 *
 * A rule for a command that runs other commands would allow those, too. So a command is refused
 * here if its program is known to run others, if an argument names such a program or option, or if
 * an argument looks like a script. A refused command can still be allowed once.
 *
 * @module
 */

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
   cgexec flatpak-spawn fakechroot faketime run-mailcap service puppet restic groff latexmk`
    .split(/\s+/),
);

/** Options by which programs run others; the value may follow after `=`. */
const RUNNING_OPTION =
  /^--?(?:exec|execdir|exec-batch|ok|okdir|eval|execute|command|checkpoint-action|to-command|use-compress-program|compress-program|rsh|rsh-command|info-script|new-volume-script|filter|pre|pager|editor|shell|config-env|exec-path|upload-pack|receive-pack|rsync-path|preprocessor|postprocess|use-askpass|proxy-command|init-file|rcfile|load|require|import|plugin|module|script|hook|run|call|unzip-command)(?:=|$)/i;

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
  return base.replace(/\.(?:exe|basic|tiny|gtk3|nox|original|distrib|bin|real)$/i, "")
    .replace(/(?:-linux[\w-]*\.so|\.so)(?:\.\d+)*$/, ".so")
    .replace(/-?\d[\d.]*$/, "");
}

function isRunner(program: string): boolean {
  const name = nameOf(program);
  const plain = name.toLowerCase();
  const base = program.slice(program.lastIndexOf("/") + 1);
  return RUNNERS.has(base) || RUNNERS.has(name) || RUNNERS.has(plain) ||
    plain.startsWith("ld") && plain.endsWith(".so") ||
    plain.endsWith("sh") || RUNNERS.has(plain.slice(plain.lastIndexOf("-") + 1));
}

/**
 * Whether a person may allow a command for good.
 *
 * @param argv The command as written.
 * @param place Paths of its program; `realPath` absent: the same.
 */
export function mayAllowAlways(
  argv: readonly string[],
  { path, realPath = path, isInWorkspace }: {
    readonly path: string;
    readonly realPath?: string;
    readonly isInWorkspace: boolean;
  },
): boolean {
  const [program = "", ...args] = argv;
  if (isInWorkspace || [program, path, realPath].some(isRunner)) return false;
  if (SHELL_SYNTAX.test(program)) return false;
  return args.every((arg) =>
    !isRunner(arg) && !isRunner(arg.slice(arg.indexOf("=") + 1)) && !RUNNING_OPTION.test(arg) &&
    !RUNNING_SETTING.test(arg) && !SHELL_SYNTAX.test(arg) && !CODE_OPTION.test(arg) &&
    !/^[A-Za-z_]\w*=/.test(arg)
  );
}
