/**
 * Lists sites that the model may link to as it likes (R9).
 *
 * A link to such a site can carry data, but only to the site. A site is listed if all of this holds:
 *
 * - It is well known, and its operator is no stranger who could ask for the data.
 * - No visitor or customer of it can read requests or the queries in them: there are no logs, forms,
 *   campaigns or affiliate reports. So app stores, shops, Google Docs and Steam are not listed: `ct`,
 *   `referrer`, `ascsubtag`, `entry.1` or `utm_source` reach a developer, a seller or an author.
 * - No user owns a subdomain of a listed name, or puts code of their own on its pages.
 * - It redirects to no address that the link names, and fetches none. So search engines, translators,
 *   web archives and link shorteners are not listed.
 *
 * Some have pages that redirect after a login, or with a certain parameter. `isRedirect` finds these.
 * Public numbers of visits remain: an answer can tell a few bits by which of many pages it names.
 */

/** Discord's own hosts. Each is well known to people here, and belongs to Discord alone. */
const DISCORD = `discord.com www.discord.com ptb.discord.com canary.discord.com support.discord.com
   support-dev.discord.com docs.discord.com discordapp.com ptb.discordapp.com canary.discordapp.com
   cdn.discordapp.com media.discordapp.net discord.gg discord.new discord.gift dis.gd
   discordstatus.com status.discord.com creator-support.discord.com`;

/** Reference works, maps, science, standards and news. */
const KNOWLEDGE = `*.wikipedia.org *.wiktionary.org *.wikibooks.org *.wikiquote.org *.wikisource.org
   *.wikivoyage.org *.wikiversity.org *.wikinews.org www.wikidata.org commons.wikimedia.org
   upload.wikimedia.org meta.wikimedia.org species.wikimedia.org www.mediawiki.org
   www.britannica.com www.merriam-webster.com dictionary.cambridge.org www.duden.de
   www.openstreetmap.org wiki.openstreetmap.org www.google.com/maps/ oeis.org
   arxiv.org www.nature.com www.science.org pubmed.ncbi.nlm.nih.gov www.ncbi.nlm.nih.gov
   www.nih.gov www.cdc.gov www.who.int www.un.org www.nasa.gov science.nasa.gov www.esa.int home.cern
   www.noaa.gov www.weather.gov www.usgs.gov www.nist.gov csrc.nist.gov www.loc.gov www.congress.gov
   www.gov.uk www.nhs.uk www.metoffice.gov.uk europa.eu eur-lex.europa.eu www.bundestag.de
   www.gesetze-im-internet.de www.dwd.de www.destatis.de www.gutenberg.org    www.bbc.co.uk www.bbc.com www.reuters.com apnews.com www.theguardian.com www.nytimes.com
   www.tagesschau.de www.lemonde.fr www.npr.org`;

const CODE = `developer.mozilla.org www.w3.org/TR/ html.spec.whatwg.org url.spec.whatwg.org
   fetch.spec.whatwg.org dom.spec.whatwg.org tc39.es www.rfc-editor.org datatracker.ietf.org
   www.iana.org www.unicode.org caniuse.com web.dev nodejs.org deno.com docs.deno.com jsr.io bun.sh
   bun.com www.typescriptlang.org www.npmjs.com docs.npmjs.com vite.dev vitejs.dev react.dev
   vuejs.org svelte.dev angular.dev nextjs.org tailwindcss.com discord.js.org discordjs.guide
   docs.python.org www.python.org peps.python.org pypi.org packaging.python.org
   docs.djangoproject.com numpy.org pandas.pydata.org scipy.org matplotlib.org pytorch.org
   www.tensorflow.org scikit-learn.org www.rust-lang.org doc.rust-lang.org crates.io
   go.dev kotlinlang.org www.php.net www.ruby-lang.org docs.ruby-lang.org
   guides.rubyonrails.org www.swift.org docs.swift.org www.haskell.org en.cppreference.com
   isocpp.org gcc.gnu.org llvm.org clang.llvm.org cmake.org www.gnu.org ziglang.org elixir-lang.org
   www.erlang.org docs.oracle.com openjdk.org learn.microsoft.com dotnet.microsoft.com
   code.visualstudio.com developer.apple.com developer.android.com docs.aws.amazon.com
   cloud.google.com kubernetes.io docs.docker.com hub.docker.com helm.sh developer.hashicorp.com
   docs.ansible.com prometheus.io nginx.org httpd.apache.org caddyserver.com
   www.postgresql.org dev.mysql.com mariadb.com www.sqlite.org redis.io git-scm.com
   github.com gist.github.com docs.github.com raw.githubusercontent.com github.blog gitlab.com
   docs.gitlab.com codeberg.org stackoverflow.com *.stackexchange.com superuser.com serverfault.com
   askubuntu.com mathoverflow.net www.kernel.org docs.kernel.org lwn.net man7.org www.debian.org
   wiki.debian.org packages.debian.org ubuntu.com help.ubuntu.com wiki.archlinux.org
   archlinux.org docs.fedoraproject.org www.freebsd.org nixos.org www.freedesktop.org
   ffmpeg.org curl.se www.openssl.org owasp.org cve.mitre.org nvd.nist.gov www.cve.org
   platform.openai.com docs.anthropic.com docs.claude.com ollama.com`;

/** Videos, music, posts and games. */
const MEDIA = `www.youtube.com youtube.com m.youtube.com youtu.be music.youtube.com vimeo.com
   www.twitch.tv clips.twitch.tv open.spotify.com www.reddit.com old.reddit.com reddit.com x.com
   twitter.com bsky.app news.ycombinator.com xkcd.com www.imdb.com www.themoviedb.org
   musicbrainz.org minecraft.wiki www.speedrun.com lichess.org`;

/** The listed sites: hosts, `*.` and a host, or a host and a path. */
export const PUBLIC_SITES: readonly string[] = [DISCORD, KNOWLEDGE, CODE, MEDIA].join(" ")
  .split(/\s+/);
const SITES: ReadonlyMap<string, string> = new Map(
  PUBLIC_SITES.map((entry) => {
    const [host = ""] = entry.split("/", 1);
    return [host, entry.slice(host.length)];
  }),
);
const DISCORD_HOSTS: ReadonlySet<string> = new Set(DISCORD.split(/\s+/));

/**
 * Whether a link goes to a listed site, encrypted, and cannot go further.
 *
 * @param host The normalized host of the address.
 */
export function isPublicSite(host: string, address: string): boolean {
  const path = pathOf(host);
  const [, authority = "", rest = ""] = /^https:\/\/([^/?#]*)(.*)$/is.exec(address) ?? [];
  if (path === undefined || authority === "" || /:\d/.test(authority)) return false;
  return rest.startsWith(path) && !isRedirect(decoded(rest), DISCORD_HOSTS.has(host));
}

/** The path of a listed host; `undefined` if no list has it. */
function pathOf(host: string): string | undefined {
  const listed = SITES.get(host);
  if (listed !== undefined) return listed;
  for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
    const path = SITES.get(`*${host.slice(dot)}`);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** Whether a host matches an entry of `messages.linkHosts`. */
export function matchesHostRule(rule: string, host: string): boolean {
  const named = rule.toLowerCase();
  if (named === "*") return true;
  return named.startsWith("*.") ? host.endsWith(named.slice(1)) : host === named;
}

/** Another address, a path that some servers take for one, or a step up in the path. */
const ADDRESS_WITHIN = /:\/\/|^\/\/|[=?&#;]\/\/|\\|https?:|\/\.{1,2}(?:[/?#]|$)/i;

/** Parts of paths that log people in or out, or send them on. */
const GATES =
  /\/(?:oauth\d?|authorize|log[_-]?in|sign[_-]?in|log[_-]?out|sign[_-]?out|sso|saml\d?|redir(?:ect)?)(?:[/?#]|$)/i;

/** Parameters that name where to go next, or a campaign that reports visits to its owner. */
const TARGETS =
  /[?&#;](?:redir\w*|return\w*|continue|next|dest\w*|goto|forward\w*|callback\w*|ur[il]|u|link|target|to|response_type|utm_\w+|wt\.mc_id|ref\w*|aff\w*|campaign\w*)(?:=|$|&)/i;

/** The link by which people add a bot: without a place to go on to, it ends at Discord. */
const INVITE =
  /^\/oauth2\/authorize\?(?:(?:client_id|permissions|scope|guild_id|disable_guild_select|integration_type)=[\w+. -]*(?:&|$))*$/;

function isRedirect(rest: string, isDiscord: boolean): boolean {
  if (isDiscord && INVITE.test(rest)) return false;
  if (isDiscord && rest.startsWith("/api/")) return true;
  return ADDRESS_WITHIN.test(rest) || GATES.test(rest) || TARGETS.test(rest);
}

/** Undoes percent codes of ASCII, also within each other. */
function decoded(rest: string): string {
  let text = rest;
  for (let round = 0; round < 3 && text.includes("%"); round++) {
    text = text.replace(
      /%([0-7][0-9a-f])/gi,
      (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
    );
  }
  return text;
}
