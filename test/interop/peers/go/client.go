package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const limit = 8 * time.Second // a step may take

type fields map[string]any

func say(step string, what fields) {
	if what == nil {
		what = fields{}
	}
	what["step"] = step
	line, _ := json.Marshal(what)
	fmt.Println(string(line))
}

func runStep(step string, work func(context.Context) (fields, error)) {
	ctx, stop := context.WithTimeout(context.Background(), limit)
	defer stop()
	what, err := work(ctx)
	var fault *jsonrpc.Error
	switch {
	case err == nil:
		say(step, what)
	case errors.As(err, &fault):
		say(step, fields{"error": fields{"code": fault.Code, "message": fault.Message}})
	default:
		say(step, fields{"failed": err.Error()})
	}
}

// heard is what a notification handler leaves for the step that waits for it.
type heard[T any] struct {
	mutex sync.Mutex
	seen  []T
	first chan struct{}
}

func newHeard[T any]() *heard[T] { return &heard[T]{seen: []T{}, first: make(chan struct{})} }

func (h *heard[T]) add(one T) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.seen = append(h.seen, one)
	if len(h.seen) == 1 {
		close(h.first)
	}
}

func (h *heard[T]) all() []T {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return append([]T{}, h.seen...)
}

func wantFirst[T any](ctx context.Context, h *heard[T]) error {
	select {
	case <-h.first:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("heard nothing: %w", ctx.Err())
	}
}

type client struct {
	session  *mcp.ClientSession
	answer   *mcp.ElicitResult
	reports  map[any]*heard[[]any]
	mutex    sync.Mutex
	updates  *heard[string]
	accepted *heard[string]
	modern   bool
}

func (c *client) options() *mcp.ClientOptions {
	return &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{},
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return c.answer, nil
		},
		CreateMessageHandler: func(_ context.Context, req *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			words := req.Params.Messages[0].Content.(*mcp.TextContent).Text
			content := &mcp.TextContent{Text: strings.ToUpper(words)}
			return &mcp.CreateMessageResult{Role: "assistant", Model: "parrot", Content: content}, nil
		},
		ResourceUpdatedHandler: func(_ context.Context, req *mcp.ResourceUpdatedNotificationRequest) {
			c.updates.add(req.Params.URI)
		},
		ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
			c.mutex.Lock()
			to := c.reports[req.Params.ProgressToken]
			c.mutex.Unlock()
			if to != nil {
				to.add([]any{req.Params.Progress, orNil(req.Params.Total), req.Params.Message})
			}
		},
	}
}

// orNil is how the SDK's clients of other languages see a member that is not there.
func orNil(total float64) any {
	if total == 0 {
		return nil
	}
	return total
}

// call calls a tool; with a token, its progress is heard under it.
func (c *client) call(ctx context.Context, name string, args fields, token string) (*mcp.CallToolResult, error) {
	params := &mcp.CallToolParams{Name: name}
	// A nil map in it would go out as null, which is not what having none means.
	if args != nil {
		params.Arguments = args
	}
	if token != "" {
		params.SetProgressToken(token)
	}
	return c.session.CallTool(ctx, params)
}

func (c *client) expect(token string) *heard[[]any] {
	h := newHeard[[]any]()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.reports[token] = h
	return h
}

func textOf(result *mcp.CallToolResult) string {
	words := ""
	for _, block := range result.Content {
		words += block.(*mcp.TextContent).Text
	}
	return words
}

func (c *client) says(name string, args fields) func(context.Context) (fields, error) {
	return func(ctx context.Context) (fields, error) {
		result, err := c.call(ctx, name, args, "")
		if err != nil {
			return nil, err
		}
		return fields{"text": textOf(result)}, nil
	}
}

func (c *client) asked(answer *mcp.ElicitResult) func(context.Context) (fields, error) {
	return func(ctx context.Context) (fields, error) {
		c.answer = answer
		return c.says("ask", nil)(ctx)
	}
}

func (c *client) failing(name string) func(context.Context) (fields, error) {
	return func(ctx context.Context) (fields, error) {
		result, err := c.call(ctx, name, nil, "")
		if err != nil {
			return nil, err
		}
		return fields{"isError": result.IsError, "text": textOf(result)}, nil
	}
}

func (c *client) lists(ctx context.Context) (fields, error) {
	tools, resources, prompts := []string{}, []string{}, []string{}
	for tool, err := range c.session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool.Name)
	}
	for resource, err := range c.session.Resources(ctx, nil) {
		if err != nil {
			return nil, err
		}
		resources = append(resources, resource.URI)
	}
	for prompt, err := range c.session.Prompts(ctx, nil) {
		if err != nil {
			return nil, err
		}
		prompts = append(prompts, prompt.Name)
	}
	return fields{"tools": tools, "resources": resources, "prompts": prompts}, nil
}

// progress tells nothing of what came after the result: the SDK hands out results at once and notifications by and by.
func (c *client) progress(ctx context.Context) (fields, error) {
	reports := c.expect("progress")
	result, err := c.call(ctx, "count", fields{"to": 5}, "progress")
	if err != nil {
		return nil, err
	}
	for len(reports.all()) < 5 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return fields{"text": textOf(result), "reports": reports.all()}, nil
}

func (c *client) cancel(ctx context.Context) (fields, error) {
	key := fmt.Sprintf("key-%d", os.Getpid())
	reports := c.expect("cancel")
	calling, giveUp := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() {
		_, err := c.call(calling, "wait", fields{"key": key}, "cancel")
		over <- err
	}()
	if err := wantFirst(ctx, reports); err != nil {
		giveUp()
		return nil, err
	}
	giveUp()
	if err := <-over; !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("the call ended with %v", err)
	}
	for {
		result, err := c.call(ctx, "cancelled", nil, "")
		if err != nil {
			return nil, err
		}
		if strings.Contains(textOf(result), key) {
			return fields{"reports": reports.all(), "recorded": true}, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *client) subscribe(ctx context.Context) (fields, error) {
	if err := c.session.Subscribe(ctx, &mcp.SubscribeParams{URI: note}); err != nil {
		return nil, err
	}
	if c.modern {
		// The SDK returns before the subscription stands.
		if err := wantFirst(ctx, c.accepted); err != nil {
			return nil, err
		}
	}
	if _, err := c.call(ctx, "touch", nil, ""); err != nil {
		return nil, err
	}
	if err := wantFirst(ctx, c.updates); err != nil {
		return nil, err
	}
	read, err := c.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: note})
	if err != nil {
		return nil, err
	}
	err = c.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: note})
	return fields{"updated": c.updates.all()[:1], "text": read.Contents[0].Text}, err
}

func (c *client) prompt(ctx context.Context) (fields, error) {
	got, err := c.session.GetPrompt(ctx, &mcp.GetPromptParams{Name: "greet", Arguments: map[string]string{"name": "Ada"}})
	if err != nil {
		return nil, err
	}
	return fields{"text": got.Messages[0].Content.(*mcp.TextContent).Text}, nil
}

func (c *client) steps() {
	runStep("lists", c.lists)
	runStep("echo", c.says("echo", fields{"text": "Zoë — 漢字 🦦"}))
	runStep("progress", c.progress)
	runStep("cancel", c.cancel)
	runStep("accept", c.asked(&mcp.ElicitResult{Action: "accept", Content: fields{"name": "Ada"}}))
	runStep("decline", c.asked(&mcp.ElicitResult{Action: "decline"}))
	runStep("sample", c.says("think", fields{"prompt": "Think of a number"}))
	runStep("subscribe", c.subscribe)
	runStep("prompt", c.prompt)
	runStep("toolError", c.failing("fail"))
	runStep("unknownTool", c.failing("nowhere"))
	runStep("unknownResource", func(ctx context.Context) (fields, error) {
		_, err := c.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: "note://nowhere"})
		return nil, err
	})
	if !c.modern {
		runStep("ping", func(ctx context.Context) (fields, error) { return nil, c.session.Ping(ctx, nil) })
	}
	runStep("close", func(context.Context) (fields, error) { return nil, c.session.Close() })
}

func drive(modern bool, where []string) error {
	c := &client{modern: modern, reports: map[any]*heard[[]any]{}, updates: newHeard[string](), accepted: newHeard[string]()}
	sdk := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, c.options())
	sdk.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "notifications/subscriptions/acknowledged" {
				c.accepted.add(method)
			}
			return next(ctx, method, req)
		}
	})
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: where[0]}
	if where[0] == "--" {
		command := exec.Command(where[1], where[2:]...)
		command.Stderr = os.Stderr
		transport = &mcp.CommandTransport{Command: command}
	}
	version := "2025-11-25"
	if modern {
		version = "2026-07-28"
	}
	runStep("connect", func(ctx context.Context) (fields, error) {
		session, err := sdk.Connect(context.Background(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
		if err != nil {
			return nil, err
		}
		c.session = session
		return fields{"version": session.InitializeResult().ProtocolVersion}, nil
	})
	if c.session != nil {
		c.steps()
	}
	return nil
}
