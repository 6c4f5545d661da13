"""The plain SDK in a loop, to be measured beside nextstep: the same number of calls of the same sizes, nothing stored.

    python benchmarks/plain.py CALLS CONNECTIONS [WARM]     with ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY set

Of three calls, one has a prompt of 8,000 tokens and two, which ask for JSON, one of 12,000; all are gathered under a
semaphore, through aiohttp. Prints the CPU seconds of that. WARM calls before it load what is loaded at first use.
"""

import asyncio
import sys
import time

import anthropic

SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}, "choice": {"type": "string"}, "strength": {"type": "string"}},
    "required": ["reasoning", "choice", "strength"],
    "additionalProperties": False,
}
PROPOSAL, JUDGED = 32_000, 48_000
"""Characters of the two kinds of prompt."""


async def main(calls: int, connections: int, warm: int = 0) -> None:
    client = anthropic.AsyncAnthropic(max_retries=0, http_client=anthropic.DefaultAioHttpClient())
    free = asyncio.Semaphore(connections)
    text = "The loss is not a number after step 1400, look at the batch. " * (JUDGED // 60)

    async def ask(number: int) -> None:
        async with free:
            is_judged = number % 3 > 0
            shown = f"{number // 3} {text[: JUDGED if is_judged else PROPOSAL]}"
            content = [{"type": "text", "text": shown}, {"type": "text", "text": "What next?"}]
            more = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}} if is_judged else {}
            await client.messages.create(
                model="claude-opus-5-5",
                max_tokens=2_048,
                system="You compare two steps.",
                messages=[{"role": "user", "content": content}],
                **more,
            )

    await asyncio.gather(*(ask(number) for number in range(warm)))
    started = time.process_time()
    await asyncio.gather(*(ask(number) for number in range(calls)))
    print(time.process_time() - started)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
