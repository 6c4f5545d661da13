"""Who somebody is: names in home paths, e-mail addresses."""

import re

from nextstep.sources.redaction.found import USER, Found, Rule, begins_word

NOBODY = frozenset(
    b"user users username user_name user-name userid you your me yourname your_name your-name yourusername "
    b"your-username your_username youruser myuser myname name runner runneradmin ubuntu debian fedora centos "
    b"ec2-user azureuser opc root admin administrator vscode node app www shared public guest default all home "
    b"jovyan codespace gitpod circleci travis docker linuxbrew vagrant nonroot appuser coder work openhands "
    b"worker builder build sandbox deploy jenkins git nobody test testuser someone foo bar xxx pi site project "
    b"projects data lib bin opt web myself hadoop airflow spark ftp node_modules".split()
)
"""Names in home paths that are a machine's, an image's or an example's, and stay."""

_NAME = rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?"
_POSIX = re.compile(rb"/(?:home|Users)/(?P<name>" + _NAME + rb")")
_WIDE = re.compile(rb"/(?:home|Users)/(?P<name>[\w.\x80-\xff-]{1,96})(?=[/\\])")
_WINDOWS = re.compile(rb"(?i)\\{1,4}users\\{1,4}(?P<name>[^\\/:*?\"'<>|{}%$\r\n\t\[\]]{1,64}?(?=\\)|" + _NAME + rb")")
_FOLDER = re.compile(rb"-(?P<root>home|Users)-(?P<name>[A-Za-z0-9_]{1,64})(?=-)")
_ENCODED = re.compile(rb"(?i)%2f(?:home|users)%2f(?P<name>[A-Za-z0-9_.-]{1,64}?)(?=%2f|[^A-Za-z0-9_.-]|\Z)")
_ROOTS = re.compile(
    rb"(?:\A|[^A-Za-z0-9_.])/(?:var|usr|export|private|mnt|nfs|data|mnt/[a-z]|[a-z]|rootfs|host(?:_mnt)?"
    rb"|Volumes/[\w ]{1,32})\Z|(?:\A|[\s\"'=,(])-[A-Za-z]\Z"
)
_A_FILE = re.compile(rb"(?i).*\.(?:html?|[jt]sx?|py|php|vue|css|md|json|svg|png|go|rs|txt|ya?ml)\Z")
_IN_PROJECTS = re.compile(rb"(?:projects[\\/]+|[\"'`\s/\\(=:]|\A)\Z")


def find_home(data: bytes, start: int) -> tuple[Found, ...]:
    """The user's name in a home path, as POSIX, Windows, a URL or Claude's project folders write it."""
    match = _home(data, start)
    if not match:
        return ()
    name = match["name"]
    nobody = name.lower() in NOBODY or name.isdigit() or (b"." in name and _A_FILE.match(name))
    return () if nobody else (Found(*match.span("name"), USER),)


def is_told(data: bytes, start: int) -> bool:
    """Whether the name that begins here is told by a home path, and unusual enough to be known in a prompt too."""
    name = _TOLD.match(data, start)
    return name is not None and _AFTER_ROOT.search(data, max(0, start - 8), start) is not None


_TOLD = re.compile(rb"[A-Za-z0-9_.-]{5,64}(?![A-Za-z0-9_.-])")
_AFTER_ROOT = re.compile(rb"(?i)(?:home|users)[/\\]{1,4}\Z")


def _home(data: bytes, start: int) -> re.Match[bytes] | None:
    first = data[start : start + 1]
    if first == b"/":
        return (_WIDE.match(data, start) or _POSIX.match(data, start)) if _is_root(data, start) else None
    if first == b"\\":
        return _WINDOWS.match(data, start)
    if first == b"%":
        return _ENCODED.match(data, start)
    match = _FOLDER.match(data, start)
    return match if match and _IN_PROJECTS.search(data, max(0, start - 12), start) else None


def _is_root(data: bytes, start: int) -> bool:
    """Whether a path can begin here: after no name, or after a mount of another root or a compiler's `-I`."""
    if start == 0:
        return True
    if data[start - 1] in _PATH_BEFORE:
        return False
    return begins_word(data, start) or _ROOTS.search(data, max(0, start - 48), start) is not None


_PATH_BEFORE = frozenset(b".~")

_DOMAIN = re.compile(
    rb"@(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}(?P<top>[A-Za-z]{2,18}))(?![A-Za-z0-9_]|\.[A-Za-z])"
)
_LOCAL = re.compile(rb"[A-Za-z0-9_%+](?:[A-Za-z0-9_.%+-]{0,62})?\Z")
_ESCAPED = re.compile(rb"(?:(?<=\\)(?:u00[0-9A-Fa-f]{2}|x[0-9A-Fa-f]{2}|[nrtbf])|(?<=\[)[0-9;]{0,12}m)")
_PERCENT = re.compile(rb"(?:.{0,60}%[0-9A-F]{2}|%[0-9A-Fa-f]{2})")
_EXAMPLES = re.compile(
    rb"(?i)(?:.*\.)?(?:example\.[a-z.]+|[\w.-]*\.(?:example|test|invalid|localhost|local|internal)|domain\.com|your\w*\.\w+|email\.com|company\.com|mail\.com|test\.com|acme\.\w+|foo\.\w+|bar\.\w+|xyz\.com|host\.com|localhost\.\w+)\Z"
)
_ROLES = re.compile(
    rb"(?i)(?:no-?reply|do-?not-?reply|git|hg|svn|root|ubuntu|ec2-user|x-oauth-basic|x-access-token|oauth2?|postmaster|mailer-daemon|abuse|security|support|webmaster|hostmaster|info|contact|user(?:name)?[0-9]?|you|your-?email|email|name|foo|bar|test|someone|somebody|me|x+)\Z"
)
_TOPS = frozenset(
    b"com org net edu gov mil int info biz name pro io dev app ai co me tv cc xyz online site tech store cloud "
    b"page blog digital agency studio systems solutions software network email group team work world today "
    b"space live life academy school university health design company technology engineering consulting "
    b"services finance capital ventures media news social chat games game fun club art photography science "
    b"research energy law legal expert global international africa asia berlin london paris tokyo amsterdam "
    b"hamburg koeln wien swiss eus cat coop museum jobs mobi travel arpa moe ninja rocks wiki zone run build "
    b"codes computer".split()
)
_NO_COUNTRY = frozenset(
    b"py js ts md rs go sh cc so gz db cs rb ps vb fs ml mm hs kt jl ex sc pl tf fc to at id is in my do it as "
    b"or be".split()
)
"""Two letters that end files' names or attributes of code at least as often as addresses."""

_WEBMAIL_COUNTRIES = frozenset(b"at id is in my do it be to pl md rs sh".split())
_PASSWORD_OF_URL = re.compile(rb"://[^\s/@]{0,512}:\Z")


def find_address(data: bytes, start: int) -> tuple[Found, ...]:
    """The e-mail address round this `@`, unless it is an example's or a role's, or no address at all."""
    domain = _DOMAIN.match(data, start)
    first = _local(data, start) if domain else start
    if not domain or first == start or not _is_top(domain["top"].lower(), domain["domain"]):
        return ()
    if _EXAMPLES.match(domain["domain"]) or _ROLES.match(data[first:start].split(b"+")[0]):
        return ()
    if _PASSWORD_OF_URL.search(data, max(0, first - 520), first):
        return ()
    if data.endswith(b"://", 0, first):
        return (Found(first, start, USER),)
    return (Found(first, domain.end(), "email"),)


def _local(data: bytes, end: int) -> int:
    r"""Where the part before the `@` begins, without the escape (`\n`, `%20`, a colour) that may stand before it."""
    local = _LOCAL.search(data, max(0, end - 64), end)
    if not local:
        return end
    first = local.start()
    escape = (
        _ESCAPED.match(data, first, end)
        if data[first - 1 : first] in {b"\\", b"["}
        else _PERCENT.match(data, first, end)
    )
    return escape.end() if escape and escape.end() < end else first


def _is_top(top: bytes, domain: bytes) -> bool:
    """Whether a domain's last part can be a top level, and the domain no attribute of code."""
    if domain.lower().startswith((b"self.", b"this.", b"np.", b"torch.")):
        return False
    if len(top) == 2:
        return top not in _NO_COUNTRY or (top in _WEBMAIL_COUNTRIES and domain[-2:].islower())
    return top in _TOPS


RULES = (
    Rule(
        rb"(?:/(?:home|Users)/[\w\x80-\xff]|\\(?i:users)\\+[^\\/:*?\"'<>|\s]|-(?:home|Users)-[A-Za-z0-9]|(?i:%2f(?:home|users)%2f)[\w])",
        b"/\\-%",
        find_home,
    ),
    Rule(rb"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61})\.[A-Za-z0-9]", b"@", find_address),
)
