#!/bin/sh
# A gateway without a file: every setting is a variable of the environment.
set -eu

export MCP_UPSTREAM_URL="${MCP_UPSTREAM_URL:-http://127.0.0.1:3001/mcp}"
export MCP_API_KEY="${MCP_API_KEY:-}" # sent to the upstream as X-API-Key; empty is as if absent
export MCP_LISTEN_ADDR="${MCP_LISTEN_ADDR:-127.0.0.1:7420}"
export MCP_CONNECT_TIMEOUT="${MCP_CONNECT_TIMEOUT:-3s}"
export MCP_READ_TIMEOUT="${MCP_READ_TIMEOUT:-5m}"
export MCP_IDLE_TIMEOUT="${MCP_IDLE_TIMEOUT:-5m}"
export MCP_TOTAL_TIMEOUT="${MCP_TOTAL_TIMEOUT:-1h}"
export MCP_DRAIN_TIMEOUT="${MCP_DRAIN_TIMEOUT:-30s}"
export MCP_LOG_LEVEL="${MCP_LOG_LEVEL:-info}"

sluice check
exec sluice run
