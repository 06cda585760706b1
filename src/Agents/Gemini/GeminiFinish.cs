using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Why a candidate ended.</summary>
internal static class GeminiFinish
{
    /// <summary>The library's reason. One that it doesn't know keeps Gemini's name.</summary>
    /// <remarks>Gemini says STOP for function calls, too.</remarks>
    public static ChatFinishReason Map(string reason, bool hasCalls) => reason switch
    {
        "STOP" => hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
        "MAX_TOKENS" => ChatFinishReason.Length,
        "SAFETY" or "RECITATION" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "MODEL_ARMOR"
            or "IMAGE_SAFETY" or "IMAGE_PROHIBITED_CONTENT" or "IMAGE_RECITATION" => ChatFinishReason.ContentFilter,
        _ => new(reason),
    };

    /// <summary>True when the model wrote a call that nobody can execute; asking again usually helps.</summary>
    public static bool IsModelFault(string reason) => reason is "MALFORMED_FUNCTION_CALL" or "UNEXPECTED_TOOL_CALL";
}
