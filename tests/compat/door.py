"""A relay that can be shut: `door.py PORT TO-PORT`."""

import asyncio
import sys


async def pour(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def visit(reader, writer):
    try:
        there = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    except OSError:
        writer.close()
        return
    await asyncio.gather(pour(reader, there[1]), pour(there[0], writer))


async def main():
    server = await asyncio.start_server(visit, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
