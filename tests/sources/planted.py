"""Made-up secrets of many kinds in realistic surroundings, drawn from a seed: no secret stands in this file."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

ALNUM = ascii_letters + digits
HEX = "0123456789abcdef"
B64 = ALNUM + "+/"
URL64 = ALNUM + "-_"

Draw = Callable[[random.Random], str]


@dataclass(frozen=True)
class Planted:
    """A secret, what it is expected to be called, and the text on both sides of it."""

    kind: str
    value: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """The text with the secret in it."""
        return self.before + self.value + self.after


def chars(alphabet: str, length: int) -> Draw:
    """So many characters, with at least one of each class that the alphabet has."""

    def draw(rng: random.Random) -> str:
        while True:
            drawn = "".join(rng.choices(alphabet, k=length))
            classes = (digits, ascii_lowercase, ascii_uppercase)
            if (
                all(any(c in drawn for c in each) for each in classes if set(each) & set(alphabet))
                and drawn[0].isalnum()
            ):
                return drawn if drawn[-1].isalnum() else draw(rng)

    return draw


def join(*parts: str | Draw) -> Draw:
    """Literal and drawn parts, one after the other."""
    return lambda rng: "".join(part if isinstance(part, str) else part(rng) for part in parts)


def jwt(rng: random.Random) -> str:
    """Header, payload and signature of a token."""

    def part(body: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")

    header, payload = {"alg": "HS256", "typ": "JWT"}, {"sub": str(rng.randrange(10**9)), "iat": rng.randrange(10**9)}
    return ".".join([part(header), part(payload), chars(URL64, 43)(rng)])


SHAPED: dict[str, tuple[str, Draw]] = {
    "aws access key": ("aws-access-key-id", join("AKIA", chars(ascii_uppercase + "234567", 16))),
    "aws temporary key": ("aws-access-key-id", join("ASIA", chars(ascii_uppercase + "234567", 16))),
    "google api key": ("google-api-key", join("AIza", chars(URL64, 35))),
    "google access token": ("google-oauth", join("ya29.", chars(URL64, 60))),
    "google client secret": ("google-oauth", join("GOCSPX-", chars(URL64, 28))),
    **{f"github {mark}": ("github-token", join(f"gh{mark}_", chars(ALNUM, 36))) for mark in "pousr"},
    "github fine-grained": ("github-token", join("github_", "pat_", chars(ALNUM, 22), "_", chars(ALNUM, 59))),
    "gitlab": ("gitlab-token", join("glpat-", chars(URL64, 20))),
    "gitlab runner": ("gitlab-token", join("glrt-", chars(URL64, 20))),
    "slack bot": ("slack-token", join("xox", "b-", chars(digits, 12), "-", chars(digits, 12), "-", chars(ALNUM, 24))),
    "slack user": ("slack-token", join("xox", "p-", chars(digits, 12), "-", chars(digits, 12), "-", chars(HEX, 32))),
    "stripe live": ("stripe-key", join("sk_", "live_", chars(ALNUM, 24))),
    "stripe restricted": ("stripe-key", join("rk_", "live_", chars(ALNUM, 24))),
    "twilio": ("twilio-key", join("S", "K", chars(HEX, 32))),
    "sendgrid": ("sendgrid-key", join("S", "G.", chars(URL64, 22), ".", chars(URL64, 43))),
    "mailgun": ("mailgun-key", join("key", "-", chars(HEX, 32))),
    "npm": ("npm-token", join("npm", "_", chars(ALNUM, 36))),
    "pypi": ("pypi-token", join("pypi-", "AgEIcHlwaS5vcmc", chars(URL64, 100))),
    "hugging face": ("huggingface-token", join("hf", "_", chars(ALNUM, 34))),
    "openai": ("openai-key", join("sk", "-", chars(ALNUM, 20), "T3Blbk", "FJ", chars(ALNUM, 20))),
    "openai project": ("openai-key", join("sk", "-proj-", chars(URL64, 74))),
    "anthropic": ("anthropic-key", join("sk", "-ant-", "api03-", chars(URL64, 93), "AA")),
    "openrouter": ("openrouter-key", join("sk", "-or-v1-", chars(HEX, 64))),
    "groq": ("groq-key", join("gsk", "_", chars(ALNUM, 52))),
    "databricks": ("databricks-token", join("da", "pi", chars(HEX, 32))),
    "digitalocean": ("digitalocean-token", join("dop", "_v1_", chars(HEX, 64))),
    "cloudflare origin": ("cloudflare-token", join("v1.0", "-", chars(HEX, 24), "-", chars(HEX, 146))),
    "vault": ("vault-token", join("hv", "s.", chars(URL64, 90))),
    "age": ("age-key", join("AGE-SECRET-", "KEY-1", chars("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58))),
    "docker": ("docker-token", join("dckr", "_pat_", chars(URL64, 27))),
    "shopify": ("shopify-token", join("shp", "at_", chars(HEX, 32))),
    "linear": ("linear-key", join("lin", "_api_", chars(ALNUM, 40))),
    "grafana": ("grafana-token", join("gl", "sa_", chars(ALNUM, 32), "_", chars(HEX, 8))),
    "telegram": ("telegram-token", join(chars("123456789", 9), ":", "AA", chars(URL64, 33))),
    "discord": ("discord-token", join("M", chars(ALNUM, 23), ".", chars(ALNUM, 6), ".", chars(ALNUM, 27))),
    "mailchimp": ("mailchimp-key", join(chars(HEX, 32), "-us", chars("123456789", 1))),
    "square": ("square-token", join("sq0", "csp-", chars(URL64, 43))),
    "jwt": ("jwt", jwt),
    "e-mail": (
        "email",
        join(chars(ascii_lowercase, 6), ".", chars(ascii_lowercase, 5), "@", chars(ascii_lowercase, 9), ".com"),
    ),
}
"""Secrets that any surroundings may hold, as name -> (kind, draw)."""

CARRIERS = (
    ("", ""),
    ("", "\nnext line"),
    ("last words: ", ""),
    ("export SERVICE_THING=", "\nexport OTHER=1\n"),
    ("THING='", "'\n"),
    ('{"thing": "', '", "n": 1}'),
    ("service:\n  thing: ", "\n  retries: 3\n"),
    ('curl -H "X-Thing: ', '" https://api.service.dev/v1/items'),
    ('client = Client("', '", timeout=30)\n'),
    ('Traceback (most recent call last):\n  File "run.py", line 3\nValueError: refused: ', "\n"),
    ("GET https://api.service.dev/v1/items?key=", "&page=2 HTTP/1.1"),
    ("2026-01-01T00:00:00Z INFO using ", " for the upload (attempt 1)"),
    ("Use `", "` and nothing else."),
    ("(", ")"),
    ("see ", ", then go on"),
    ("It was ", ". Then it failed."),
    ('{\\"thing\\": \\"', '\\", \\"n\\": 1}'),
    ("first line\\n", "\\nthird line"),
    ("密钥是", "。请保密"),
    ("     1→", "\n     2→next"),
    ("@@ -1 +1 @@\n-", "\n+gone\n"),
    ("<thing>", "</thing>"),
    ("\x1b[32m", "\x1b[0m done"),
    ("| service | ", " |\n"),
)
"""Text before and after a secret."""

NAMING_CARRIERS = (
    ("git clone https://bot:", "@git.service.dev/team/repo.git"),
    ("git clone https://", ":x-oauth-basic@git.service.dev/team/repo.git"),
    ("curl -u ", ": https://api.service.dev/v1"),
    ('headers={"Authorization": "Bearer ', '"}'),
    ("password=", "\n"),
    ('api_key: str = "', '"\n'),
    ("this.config.for_the_one_and_only_token = '", "'\n"),
)
"""Surroundings that tell a secret by themselves: one with a vendor's shape is still called by the vendor's name."""


def dotted(rng: random.Random) -> str:
    """A password as people choose them."""
    return (
        rng.choice(["Blue", "Storm", "Kiwi", "Lunar"])
        + chars(digits, 4)(rng)
        + rng.choice("!#*_")
        + chars(ascii_letters, 4)(rng)
    )


def pem(rng: random.Random, lines: int = 6) -> str:
    """The body of a key in PEM, 64 characters a line."""
    return "\n".join(chars(B64, 64)(rng) for _ in range(lines)) + "\n" + chars(B64, 22)(rng) + "=="


def escaped(rng: random.Random) -> str:
    """The body of a key as a JSON string has it."""
    return pem(rng).replace("\n", "\\n")


BEGIN, END = "-----BEGIN {}PRIVATE KEY-----", "-----END {}PRIVATE KEY-----"
RANDOM = chars(ALNUM, 32)

PLACED: tuple[tuple[str, Draw, str, str], ...] = (
    ("aws-secret-key", chars(B64, 40), "[default]\naws_secret_access_key = ", "\nregion = eu-west-1\n"),
    ("aws-secret-key", chars(B64, 40), "export AWS_SECRET_ACCESS_KEY=", "\n"),
    ("aws-secret-key", chars(B64, 40), '"SecretAccessKey": "', '",\n'),
    ("aws-session-token", chars(B64, 300), "AWS_SESSION_TOKEN=", "\n"),
    (
        "azure-key",
        join(chars(B64, 86), "=="),
        "DefaultEndpointsProtocol=https;AccountName=store;AccountKey=",
        ";EndpointSuffix=core.net",
    ),
    ("azure-key", join(chars(B64, 43), "="), "Endpoint=sb://bus.net/;SharedAccessKeyName=Root;SharedAccessKey=", '"'),
    (
        "url-signature",
        join(chars(ALNUM, 20), "%2B", chars(ALNUM, 20), "%3D"),
        "https://a.blob.net/c?sv=2024-01-01&se=2026&sr=b&sig=",
        "&x=1",
    ),
    ("url-signature", chars(HEX, 64), "https://b.s3.aws.dev/k?X-Amz-Expires=3600&X-Amz-Signature=", '"'),
    (
        "slack-webhook",
        join("T", chars(ALNUM, 8), "/B", chars(ALNUM, 8), "/", chars(ALNUM, 24)),
        "https://hooks.slack.com/services/",
        "'",
    ),
    ("discord-webhook", join(chars(digits, 18), "/", chars(URL64, 68)), "https://discord.com/api/webhooks/", ")"),
    ("database-password", dotted, "DATABASE_URL=postgres://app:", "@db.internal:5432/app\n"),
    ("database-password", dotted, 'url = "mysql+pymysql://root:', '@10.0.0.5/shop"\n'),
    ("database-password", RANDOM, "mongodb+srv://svc:", "@cluster0.mongodb.net/?retryWrites=true"),
    ("database-password", RANDOM, "redis://:", "@cache:6379/0 "),
    ("database-password", dotted, "amqp://worker:", "@mq:5672/%2f\n"),
    ("url-password", RANDOM, "git clone https://ci:", "@git.service.dev/team/repo.git\n"),
    ("password", dotted, "Server=db;Database=app;User Id=sa;Password=", ";Encrypt=true"),
    ("password", dotted, 'DB = dict(user="sa", password="', '", host="db")\n'),
    ("password", dotted, "spring.datasource.password=", "\n"),
    ("password", dotted, "mysqldump --user=root --password=", " shop > shop.sql"),
    ("password", dotted, "tool login --user bot --password ", " --quiet"),
    ("password", dotted, "machine api.service.dev login bot password ", "\n"),
    ("password", dotted, "curl -u bot:", " https://api.service.dev/\n"),
    ("password", dotted, "sshpass -p '", "' ssh host\n"),
    ("password", dotted, "export PGPASSWORD=", "; psql -h db\n"),
    ("password", dotted, 'const cfg = { dbPassword: "', '" };\n'),
    ("password", dotted, "<password>", "</password>"),
    ("password", dotted, '{\\"user\\": \\"sa\\", \\"password\\": \\"', '\\"}'),
    ("password", dotted, "db:\n  user: sa\n  password: '", "'\n"),
    ("api-key", RANDOM, 'api_key = "', '"\n'),
    ("api-key", RANDOM, "x-api-key: ", "\r\n"),
    ("api-key", RANDOM, 'apiKey: "', '",\n'),
    ("api-key", chars(HEX, 40), "WANDB_API_KEY=", "\n"),
    ("api-key", RANDOM, "service --api-key ", " run"),
    ("api-key", RANDOM, 'os.environ["SERVICE_API_KEY"] = "', '"\n'),
    ("api-key", RANDOM, 'api_key: str = "', '"\n'),
    ("token", RANDOM, "export CI_DEPLOY_TOKEN=", "\n"),
    ("token", RANDOM, "//registry.service.dev/:_authToken=", "\n"),
    ("token", RANDOM, '"access_token": "', '", "expires_in": 3600'),
    ("token", RANDOM, "refresh_token=", "&grant_type=refresh"),
    ("token", RANDOM, "the token is ", ", do not share it"),
    ("secret", RANDOM, 'client_secret: "', '"\n'),
    ("secret", RANDOM, "SECRET_KEY = '", "'\n"),
    ("secret", RANDOM, "JWT_SECRET=", "\n"),
    ("secret", RANDOM, "define('AUTH_KEY', '", "');"),
    ("cloudflare-token", chars(URL64, 40), "CLOUDFLARE_API_TOKEN=", "\n"),
    ("twilio-key", chars(HEX, 32), "TWILIO_AUTH_TOKEN=", "\n"),
    (
        "heroku-key",
        join(chars(HEX, 8), "-", chars(HEX, 4), "-4", chars(HEX, 3), "-a", chars(HEX, 3), "-", chars(HEX, 12)),
        "HEROKU_API_KEY=",
        "\n",
    ),
    ("bearer-token", chars(ALNUM, 40), 'curl -H "Authorization: Bearer ', '" https://api.service.dev'),
    ("bearer-token", chars(ALNUM, 40), '{"Authorization": "Bearer ', '"}'),
    (
        "basic-auth",
        lambda rng: base64.b64encode(f"bot:{dotted(rng)}".encode()).decode(),
        "Authorization: Basic ",
        "\r\n",
    ),
    ("cookie", chars(ALNUM, 32), "Cookie: lang=en; sessionid=", "\r\n"),
    ("cookie", chars(ALNUM, 26), "Set-Cookie: sid=", "; Path=/; HttpOnly\r\n"),
    ("private-key", pem, BEGIN.format("RSA ") + "\n", "\n" + END.format("RSA ")),
    ("private-key", pem, BEGIN.format("OPENSSH ") + "\n", "\n" + END.format("OPENSSH ") + "\n"),
    ("private-key", pem, BEGIN.format("EC ") + "\n", "\n" + END.format("EC ")),
    ("private-key", pem, BEGIN.format("") + "\n", ""),
    (
        "private-key",
        escaped,
        '{"type": "service_account", "private_key": "' + BEGIN.format("") + "\\n",
        "\\n" + END.format("") + '\\n"}',
    ),
    ("private-key", escaped, 'key: "' + BEGIN.format("") + "\\n", ""),
    ("private-key", pem, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n", "\n-----END PGP PRIVATE KEY BLOCK-----"),
    ("artifactory-token", join("AK", "C", chars(ALNUM, 40)), 'artifactory: "', '"'),
    ("softlayer-key", chars(HEX, 64), "softlayer_api_key: ", "\n"),
    ("user", chars(ascii_lowercase, 7), "cd /home/", "/work && ls"),
    ("user", chars(ascii_lowercase, 7), 'File "/Users/', '/Library/x.py", line 3'),
    ("user", chars(ascii_lowercase, 7), "C:\\Users\\", "\\Documents\\x.txt"),
    ("user", chars(ascii_lowercase, 7), '"C:\\\\Users\\\\', '\\\\Documents"'),
    ("user", chars(ascii_lowercase, 7), "~/.claude/projects/-Users-", "-code-app/x.jsonl"),
    ("user", chars(ascii_lowercase, 7), "~/.claude/projects/-home-", "-code-app/x.jsonl"),
    ("user", chars(ascii_lowercase, 7), "file:///home/", "/notes.md"),
    ("user", chars(ascii_lowercase, 7), "/mnt/c/Users/", "/Desktop"),
    ("user", chars(ascii_lowercase, 7), "在/home/", "/目录"),
    ("user", chars(ascii_lowercase, 7), "gcc -I/home/", "/include x.c"),
    ("user", chars(ascii_lowercase, 7), "- **/home/", "/notes.md** is done"),
)
"""Secrets that their surroundings tell, as (kind, draw, before, after)."""


def planted(seed: int) -> Iterator[Planted]:
    """Every kind of secret in several surroundings; each value is drawn anew."""
    rng = random.Random(seed)
    for kind, draw in SHAPED.values():
        for before, after in rng.sample(CARRIERS, 6):
            yield Planted(kind, draw(rng), before, after)
    for kind, draw, before, after in PLACED:
        yield Planted(kind, draw(rng), before, after)
        yield Planted(kind, draw(rng), "Some words first.\n" + before, after + "\nSome words after.")


def letters_of(alphabet: str, length: int) -> Draw:
    """So many characters, whatever they turn out to be: digit-free ones and words too."""
    return lambda rng: "".join(rng.choices(alphabet, k=length))


def phrase(rng: random.Random) -> str:
    """Four words with hyphens."""
    words = ["correct", "horse", "battery", "staple", "purple", "garden", "monkey", "window", "copper", "violin"]
    return "-".join(rng.sample(words, 4))


SYMBOLS = "!#%^*_+=:?-"
CHOSEN: tuple[Draw, ...] = (
    letters_of(ALNUM, 8),
    letters_of(ALNUM, 12),
    letters_of(ascii_letters, 14),
    lambda rng: "".join(rng.sample(ascii_lowercase, 8)),
    letters_of(ascii_lowercase, 12),
    join(letters_of(ALNUM, 1), letters_of(ALNUM + SYMBOLS, 14), letters_of(ALNUM, 1)),
    join(letters_of(ascii_letters, 2), lambda rng: "".join(rng.sample(SYMBOLS, 6)), letters_of(ALNUM, 4)),
    join("-", letters_of(ALNUM, 12)),
    phrase,
    dotted,
)
"""Passwords as cruel as they come: short, digit-free, of one case, full of marks, of words."""
IN_DATA = (
    ('{"user": "sa", "password": "', '"}'),
    ('{"client_secret":"', '", "n": 1}'),
    ('{\\"password\\": \\"', '\\"}'),
    ('password: "', '"\n'),
    ("password: '", "'\n"),
    ('password = "', '"\n'),
    ('connect(user="sa", password="', '")\n'),
    ("<password>", "</password>"),
    ("DB_PASSWORD=", "\n"),
    ('export DB_PASSWORD="', '"\n'),
    ("PGPASSWORD=", " psql -h db\n"),
    ("docker run -e DB_PASSWORD=", " image\n"),
    ("tool --password=", " --quiet\n"),
    ("[db]\nuser=sa\npassword=", "\nport=1\n"),
    ("db:\n  user: sa\n  password: ", "\n  port: 1\n"),
    ("db:\\n  user: sa\\n  password: ", "\\n  port: 1"),
    ("     3\tuser: sa\n     4\tpassword: ", "\n     5\tport: 1"),
    ("     3→  user: sa\n     4→  password: ", "\n     5→  port: 1"),
    ("+user: sa\n+password: ", "\n+port: 1\n"),
)
"""Surroundings in which nothing but a value can stand behind a password's name."""
MIXED = join(chars("abcdefghkmnp", 2), chars("23456789", 2), letters_of(ALNUM, 6), "!", chars(digits, 1))
ON_LINES = (
    ("password: ", "\n"),
    ("  DB_PASSWORD: ", "\n"),
    ("[db]\npassword = ", "\n"),
    ("run password=", " next"),
    ("tool --password ", " next"),
    ("config.yml:12:  secret: ", "\n"),
    ("  secret: ", "\n"),
)
"""Surroundings in which a word, a type or a variable might stand instead."""
ISSUED: tuple[Draw, ...] = (chars(ALNUM, 20), chars(HEX, 32), chars(ALNUM + "-_", 32), chars(B64, 40))
FOR_ISSUED = (
    ('{"token": "', '"}'),
    ('{"apiKey":"', '"}'),
    ("  token: ", "\n"),
    ("  api_key: ", "\n"),
    ("export API_TOKEN='", "'\n"),
    ("API_TOKEN=", "\n"),
    ("tool --token ", " next"),
)
JOINED = {
    name: SHAPED[name]
    for name in (
        *("github p", "anthropic", "openai project", "hugging face", "google api key"),
        *("slack bot", "aws access key", "gitlab", "npm", "stripe live"),
    )
}
JOINTS = (
    ("backup_", "\n"),
    ("/tmp/log-", ".txt"),
    ("mcp__", ""),
    ("a.b.", " "),
    ("x", "\n"),
    ("Key", "'"),
    ("tok9", '"'),
    ("a/", "/b"),
)


def cruel(seed: int) -> Iterator[Planted]:
    """Fresh values of the hardest sorts in every surroundings for which finding them is claimed."""
    rng = random.Random(seed)
    for before, after in IN_DATA:
        for draw in CHOSEN:
            yield Planted("password" if "assw" in before.lower() else "secret", draw(rng), before, after)
    for before, after in ON_LINES:
        yield Planted("secret" if "secret" in before else "password", MIXED(rng), before, after)
    for before, after in FOR_ISSUED:
        kind = "api-key" if "api" in before.lower() and "TOKEN" not in before else "token"
        for draw in ISSUED:
            yield Planted(kind, draw(rng), before, after)
    for before in ("AWS_SECRET_ACCESS_KEY=", "aws_secret_access_key = ", '"SecretAccessKey": "'):
        yield Planted("aws-secret-key", "/" + chars(B64, 39)(rng), before, '"\n' if '"' in before else "\n")
    for kind, draw in JOINED.values():
        for before, after in JOINTS:
            yield Planted(kind, draw(rng), before, after)
