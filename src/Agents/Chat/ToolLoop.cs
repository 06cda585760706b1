using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>
/// One question inside of a run: model, tools, model … until the model answers. Every await comes back to the run's
/// scheduler, and every key is taken from the code's structure, so that a replay takes the same path.
/// </summary>
internal sealed class ToolLoop
{
    private readonly DurableFunctionInvokingChatClient _client;
    private readonly DurableChatClient _model;
    private readonly RunFlow _flow;
    private readonly LoopSettings _settings;
    private readonly bool _isStreaming;
    private readonly CancellationToken _cancellationToken;
    private readonly AgentQuestion? _question;
    private readonly List<ChatMessage> _request;
    private readonly List<ChatMessage> _answer = [];
    private readonly UsageDetails _usage = new();
    private List<ChatMessage> _history;
    private ChatOptions? _options;
    private ChatResponse? _reply;
    private StepKey? _key;
    private StepKey _replyKey;
    private bool _hasUsage;
    private bool _providerKeepsHistory;
    private int _round;
    private int _failedRounds;

    public ToolLoop(
        DurableFunctionInvokingChatClient client, DurableChatClient model, RunFlow flow, LoopSettings settings,
        IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStreaming, CancellationToken cancellationToken)
    {
        _client = client;
        _model = model;
        _flow = flow;
        _settings = settings;
        _isStreaming = isStreaming;
        _cancellationToken = cancellationToken;
        _question = (options as AgentChatOptions)?.Question;
        _request = [.. messages];
        _history = [.. _request];
        _options = options;

        // Taken at the call, before any await: two calls that are started one after the other are numbered so.
        _key = settings.BeforeModelCall is null ? flow.Engine.NextKey() : null;
    }

    /// <summary>The calls of the last reply that are to be made here.</summary>
    public IReadOnlyList<FunctionCallContent> Calls { get; private set; } = [];

    public bool HasCalls => Calls.Count > 0;

    public async Task<ChatResponse> RunAsync()
    {
        while (true)
        {
            var reply = await AskModelAsync().ConfigureAwait(true);
            if (!HasCalls)
            {
                reply.Messages = _answer;
                reply.Usage = _hasUsage ? _usage : null;
                return reply;
            }

            await RunToolsAsync().ConfigureAwait(true);
        }
    }

    /// <summary>One model call, and what follows from its reply.</summary>
    public async Task<ChatResponse> AskModelAsync()
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (_settings.BeforeModelCall is { } before)
            await before(_flow.Context, _round).ConfigureAwait(true);
        var isLast = _round >= _settings.MaxRounds;
        if (isLast)
            _options = RoundOptions.Last(_options);

        var key = _key ?? _flow.Engine.NextKey();
        _key = null;
        var request = new ModelRequest([.. _history], _options, _round == 0 ? _request : null);
        var reply = await _model.AskAsync(_flow, key, _settings.Model, request, _isStreaming).ConfigureAwait(true);
        _reply = reply;
        _replyKey = key;
        if (_question is not null)
            _question.ModelCalls++;
        _answer.AddRange(reply.Messages);
        if (reply.Usage is { } usage)
        {
            _usage.Add(usage);
            _hasUsage = true;
        }

        Calls = isLast ? [] : CallsOf(reply);
        return reply;
    }

    /// <summary>Makes the calls of the last reply and returns the message with their results, in the order of the reply.</summary>
    public async Task<ChatMessage> RunToolsAsync()
    {
        Remember(_reply!);
        var calls = new ToolCalls(_client, _flow, _settings, _options, [.. _history], _round, _isStreaming, _cancellationToken);
        var results = await calls.RunAsync(_replyKey, Calls).ConfigureAwait(true);
        CountFailures(results);
        foreach (var call in Calls)
            call.InformationalOnly = true;

        // The id is derived, so that it is the same on replay.
        var message = new ChatMessage(ChatRole.Tool, [.. results]) { MessageId = $"{_replyKey}/tools" };
        _history.Add(message);
        _answer.Add(message);
        _options = RoundOptions.Next(_options, _reply!.ConversationId);
        _round++;
        return message;
    }

    /// <summary>Adds a reply to what is sent next, unless the provider keeps the history itself.</summary>
    private void Remember(ChatResponse reply)
    {
        if (reply.ConversationId is not null)
            _history = [];
        else if (_providerKeepsHistory)
            _history = [.. _request, .. _answer];
        else
            _history.AddRange(reply.Messages);
        _providerKeepsHistory = reply.ConversationId is not null;
    }

    /// <summary>The calls to make here; none if one of them is the caller's to make.</summary>
    private List<FunctionCallContent> CallsOf(ChatResponse reply)
    {
        var contents = reply.Messages.SelectMany(m => m.Contents).ToList();
        var answered = contents.OfType<FunctionResultContent>().Select(r => r.CallId).ToHashSet(StringComparer.Ordinal);
        var calls = new List<FunctionCallContent>();
        foreach (var call in contents.OfType<FunctionCallContent>().Where(c => !c.InformationalOnly))
        {
            // The provider ran it itself and sent call and result together.
            if (answered.Contains(call.CallId))
                call.InformationalOnly = true;
            else
                calls.Add(call);
        }

        return calls.Exists(c => IsForTheCaller(c.Name)) ? [] : calls;
    }

    private bool IsForTheCaller(string name) => ToolCalls.Find(_client, _options, name) switch
    {
        null => _client.TerminateOnUnknownCalls,
        AIFunction => false,
        _ => true,
    };

    private void CountFailures(IReadOnlyList<FunctionResultContent> results)
    {
        var failures = results.Select(r => r.Exception).OfType<Exception>().ToList();
        _failedRounds = failures.Count == 0 ? 0 : _failedRounds + 1;
        if (_failedRounds <= _client.MaximumConsecutiveErrorsPerRequest)
            return;
        throw failures.Count == 1 ? failures[0] : new AggregateException(failures);
    }
}
