package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var (
	mutex     sync.Mutex
	cancelled []string
	revision  int
)

type nothing struct{}

type echoArgs struct {
	Text string `json:"text"`
}

type countArgs struct {
	To int `json:"to"`
}

type waitArgs struct {
	Key string `json:"key"`
}

type thinkArgs struct {
	Prompt string `json:"prompt"`
}

func text(format string, args ...any) (*mcp.CallToolResult, any, error) {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}, nil, nil
}

// build makes the server. One of the initialize era asks its client itself; the other returns what it wants to know.
// Without versions it speaks all the SDK does.
func build(modern bool, versions []string) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "go", Version: "1"}, &mcp.ServerOptions{
		SupportedProtocolVersions: versions,
		SubscribeHandler:          func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler:        func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	mcp.AddTool(server, &mcp.Tool{Name: "echo"}, func(_ context.Context, _ *mcp.CallToolRequest, args echoArgs) (*mcp.CallToolResult, any, error) {
		return text("%s", args.Text)
	})
	mcp.AddTool(server, &mcp.Tool{Name: "count"}, count)
	mcp.AddTool(server, &mcp.Tool{Name: "wait"}, wait)
	mcp.AddTool(server, &mcp.Tool{Name: "cancelled"}, func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
		mutex.Lock()
		defer mutex.Unlock()
		return text("%s", strings.Join(cancelled, " "))
	})
	if modern {
		mcp.AddTool(server, &mcp.Tool{Name: "ask"}, askByResult)
		mcp.AddTool(server, &mcp.Tool{Name: "think"}, thinkByResult)
	} else {
		mcp.AddTool(server, &mcp.Tool{Name: "ask"}, ask)
		mcp.AddTool(server, &mcp.Tool{Name: "think"}, think)
	}
	mcp.AddTool(server, &mcp.Tool{Name: "touch"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		mutex.Lock()
		revision++
		mutex.Unlock()
		if err := server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: note}); err != nil {
			return nil, nil, err
		}
		return text("touched")
	})
	mcp.AddTool(server, &mcp.Tool{Name: "fail"}, func(context.Context, *mcp.CallToolRequest, nothing) (*mcp.CallToolResult, any, error) {
		return nil, nil, errors.New("as you wished")
	})
	server.AddResource(&mcp.Resource{URI: note, Name: "pinned", MIMEType: "text/plain"}, readNote)
	server.AddPrompt(&mcp.Prompt{Name: "greet", Arguments: []*mcp.PromptArgument{{Name: "name", Required: true}}}, greet)
	return server
}

func report(ctx context.Context, req *mcp.CallToolRequest, progress, total float64, message string) {
	token := req.Params.GetProgressToken()
	if token == nil {
		return
	}
	req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
		ProgressToken: token, Progress: progress, Total: total, Message: message,
	})
}

func count(ctx context.Context, req *mcp.CallToolRequest, args countArgs) (*mcp.CallToolResult, any, error) {
	for n := 1; n <= args.To; n++ {
		report(ctx, req, float64(n), float64(args.To), fmt.Sprintf("%d of %d", n, args.To))
	}
	return text("counted to %d", args.To)
}

func wait(ctx context.Context, req *mcp.CallToolRequest, args waitArgs) (*mcp.CallToolResult, any, error) {
	report(ctx, req, 1, 0, "waiting")
	select {
	case <-ctx.Done():
		mutex.Lock()
		cancelled = append(cancelled, args.Key)
		mutex.Unlock()
		return nil, nil, ctx.Err()
	case <-time.After(20 * time.Second):
		return text("nobody cancelled")
	}
}

var question = &mcp.ElicitParams{
	Mode:    "form",
	Message: "Who are you?",
	RequestedSchema: &jsonschema.Schema{
		Type:       "object",
		Properties: map[string]*jsonschema.Schema{"name": {Type: "string"}},
		Required:   []string{"name"},
	},
}

func told(answer *mcp.ElicitResult) (*mcp.CallToolResult, any, error) {
	if answer.Action != "accept" {
		return text("%s", answer.Action)
	}
	return text("accept %v", answer.Content["name"])
}

func ask(ctx context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
	answer, err := req.Session.Elicit(ctx, question)
	if err != nil {
		return nil, nil, err
	}
	return told(answer)
}

func askByResult(_ context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
	if answer, ok := req.Params.InputResponses["who"].(*mcp.ElicitResult); ok {
		return told(answer)
	}
	return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"who": question}, RequestState: "asked"}, nil, nil
}

func sampling(prompt string) *mcp.CreateMessageParams {
	message := &mcp.SamplingMessage{Role: "user", Content: &mcp.TextContent{Text: prompt}}
	return &mcp.CreateMessageParams{Messages: []*mcp.SamplingMessage{message}, MaxTokens: 50}
}

func think(ctx context.Context, req *mcp.CallToolRequest, args thinkArgs) (*mcp.CallToolResult, any, error) {
	reply, err := req.Session.CreateMessage(ctx, sampling(args.Prompt))
	if err != nil {
		return nil, nil, err
	}
	return text("%s: %s", reply.Model, reply.Content.(*mcp.TextContent).Text)
}

func thinkByResult(_ context.Context, req *mcp.CallToolRequest, args thinkArgs) (*mcp.CallToolResult, any, error) {
	switch reply := req.Params.InputResponses["thought"].(type) {
	case *mcp.CreateMessageWithToolsResult:
		return text("%s: %s", reply.Model, reply.Content[0].(*mcp.TextContent).Text)
	case *mcp.CreateMessageResult:
		return text("%s: %s", reply.Model, reply.Content.(*mcp.TextContent).Text)
	}
	return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"thought": sampling(args.Prompt)}}, nil, nil
}

func readNote(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	mutex.Lock()
	defer mutex.Unlock()
	content := &mcp.ResourceContents{URI: req.Params.URI, MIMEType: "text/plain", Text: fmt.Sprintf("revision %d", revision)}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{content}}, nil
}

func greet(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	words := fmt.Sprintf("Hello, %s!", req.Params.Arguments["name"])
	message := &mcp.PromptMessage{Role: "user", Content: &mcp.TextContent{Text: words}}
	return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{message}}, nil
}

func serve(modern bool, where []string) error {
	versions := []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}
	switch {
	case modern:
		versions = []string{"2026-07-28"}
	case where[0] == "http":
		// With sessions the handler answers server/discover, yet serves the initialize era alone: the common case.
		versions = nil
	}
	server := build(modern, versions)
	if where[0] == "stdio" {
		return server.Run(context.Background(), &mcp.StdioTransport{})
	}
	any := func(*http.Request) *mcp.Server { return server }
	mux := http.NewServeMux()
	if where[0] == "sse" {
		mux.Handle("/sse", mcp.NewSSEHandler(any, nil))
	} else {
		// 2026-07-28 is served to the stateless only, and there a call is cancelled only where that is asked for.
		mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(any, &mcp.StreamableHTTPOptions{
			Stateless: modern, PropagateRequestCancellation: modern,
		}))
	}
	return http.ListenAndServe("127.0.0.1:"+where[1], mux)
}
